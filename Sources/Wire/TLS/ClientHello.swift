/// Parses the server name in the ClientHello at the start of a connection (RFC 8446 §4.1.2, RFC 6066 §3) and nothing
/// else. The message may be split over any number of records and segments.
public enum ClientHello {
  /// The result for the first bytes of a connection.
  public enum Reading: Hashable, Sendable {
    /// The host name that the client requests, unchanged: 1 to 255 bytes.
    case name([UInt8])
    /// No name, not a ClientHello, a malformed one, or one of more than `maximumBytes`.
    case nameless
    case incomplete
  }

  /// Maximum of bytes that are parsed, including record headers. A ClientHello with post-quantum key shares has 1,800.
  public static var maximumBytes: Int { 16_384 }

  private static var headerSize: Int { 5 }
  private static var largestRecord: Int { 1 << 14 }

  /// Parses the name from the start of `bytes`: all bytes received so far.
  public static func parse(_ bytes: Span<UInt8>) -> Reading {
    var message: [UInt8] = []
    var start = 0
    while start &+ headerSize <= min(bytes.count, maximumBytes) {
      let length = Int(bytes[start &+ 3]) << 8 | Int(bytes[start &+ 4])
      let end = start &+ headerSize &+ length
      // Record type handshake, version 3.x, not empty (RFC 8446 §5.1).
      guard bytes[start] == 22, bytes[start &+ 1] == 3, 1...largestRecord ~= length, end <= maximumBytes else {
        return .nameless
      }
      guard end <= bytes.count else { return .incomplete }
      for index in start &+ headerSize..<end { message.append(bytes[index]) }
      start = end
      guard message[0] == 1 else { return .nameless }
      guard message.count >= 4 else { continue }
      let size = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
      guard size <= maximumBytes else { return .nameless }
      guard message.count >= 4 &+ size else { continue }
      var body = ByteReader(message.span.extracting(4..<4 &+ size))
      return (try? body.serverName()).flatMap { $0 }.map { .name($0) } ?? .nameless
    }
    return bytes.count < maximumBytes ? .incomplete : .nameless
  }

  /// The host name in the contents of the extension server_name: 1 to 255 bytes, unchanged; nil if it has none.
  public static func serverName(inList bytes: Span<UInt8>) -> [UInt8]? {
    var list = ByteReader(bytes)
    return (try? list.hostName()).flatMap { $0 }
  }
}

extension ByteReader {
  /// The first host name in the body of a ClientHello; nil if it has none.
  fileprivate mutating func serverName() throws(Failure) -> [UInt8]? {
    // Version and random value, then session id, cipher suites and compression methods.
    _ = try readBytes(34)
    _ = try readBytes(Int(try readUInt8()))
    _ = try readBytes(Int(try readUInt16()))
    _ = try readBytes(Int(try readUInt8()))
    guard remaining > 0 else { return nil }
    var extensions = ByteReader(try readBytes(Int(try readUInt16())))
    while extensions.remaining > 0 {
      let type = try extensions.readUInt16()
      var content = ByteReader(try extensions.readBytes(Int(try extensions.readUInt16())))
      guard type == 0 else { continue }
      return try content.hostName()
    }
    return nil
  }

  /// The first host name in the extension's list of names; nil if it has none.
  fileprivate mutating func hostName() throws(Failure) -> [UInt8]? {
    var names = ByteReader(try readBytes(Int(try readUInt16())))
    while names.remaining > 0 {
      let isHost = try names.readUInt8() == 0
      let name = try names.readArray(Int(try names.readUInt16()))
      guard isHost else { continue }
      return 1...255 ~= name.count ? name : nil
    }
    return nil
  }
}
