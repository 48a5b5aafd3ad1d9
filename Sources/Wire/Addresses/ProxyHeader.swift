/// The header that a proxy sends at the start of a connection to forward the client's address: HAProxy's PROXY
/// protocol, versions 1 and 2 (proxy-protocol.txt of 2020/03/05).
public struct ProxyHeader: Hashable, Sendable {
  /// The length in bytes, including type-length-value fields. The client's data follows.
  public let length: Int
  /// The client of the proxy. Nil: the connection is the proxy's own, or the header has no IP address and TCP port
  /// (UNKNOWN, UNSPEC, a Unix socket, datagrams).
  public let source: Endpoint?
  /// The connection is the proxy's own (LOCAL).
  public var isLocal = false

  /// The result of parsing the first bytes of a connection.
  public enum Reading: Hashable, Sendable {
    case header(ProxyHeader)
    case incomplete
    /// No header, an invalid one, or one of more than `maximumBytes`.
    case malformed
  }

  /// The longest accepted header: its fields may contain a client certificate.
  public static var maximumBytes: Int { 4096 }
  /// The longest line of version 1, CRLF included (§2.1).
  static var maximumLineBytes: Int { 107 }
  private static var signature: String { "\r\n\r\n\0\r\nQUIT\n" }
  /// The fixed part of version 2: signature, version and command, family and protocol, length of the rest (§2.2).
  private static var fixedBytes: Int { 16 }

  /// Parses the header at the start of `bytes`, which are all bytes received so far.
  public static func parse(_ bytes: Span<UInt8>) -> Reading {
    if bytes.agrees(with: signature) { return parseBlock(bytes) }
    return bytes.agrees(with: "PROXY ") ? parseLine(bytes.extracting(first: maximumLineBytes)) : .malformed
  }

  /// Version 2 (§2.2).
  private static func parseBlock(_ bytes: Span<UInt8>) -> Reading {
    guard bytes.count >= fixedBytes else { return .incomplete }
    let (command, family) = (bytes[12], bytes[13])
    let length = fixedBytes + Int(bytes[14]) << 8 + Int(bytes[15])
    // The family of a LOCAL connection is ignored; others must be known.
    let isLocal = command == 0x20
    guard isLocal || command == 0x21 && family >> 4 <= 3 && family & 0xf <= 2, length <= maximumBytes else {
      return .malformed
    }
    guard bytes.count >= length else { return .incomplete }
    guard !isLocal, family == 0x11 || family == 0x21 else {
      return .header(ProxyHeader(length: length, source: nil, isLocal: isLocal))
    }
    let size = family == 0x11 ? 4 : 16
    let block = bytes.extracting(fixedBytes..<length)
    guard block.count >= 2 * size + 4, let address = IPAddress(bytes: block.extracting(first: size)) else {
      return .malformed
    }
    let port = UInt16(block[2 * size]) << 8 | UInt16(block[2 * size + 1])
    return .header(ProxyHeader(length: length, source: Endpoint(address: address, port: port)))
  }

  /// Version 1 (§2.1): `PROXY TCP4 192.0.2.7 192.0.2.1 50312 443`, or `PROXY UNKNOWN` and anything.
  private static func parseLine(_ bytes: Span<UInt8>) -> Reading {
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
      return bytes.count < maximumLineBytes ? .incomplete : .malformed
    }
    guard bytes[end - 1] == UInt8(ascii: "\r") else { return .malformed }
    let line = bytes.extracting(0..<end - 1)
    // The start of each word, and the words.
    var starts = [0]
    for index in line.indices where line[index] == UInt8(ascii: " ") { starts.append(index + 1) }
    let words = zip(starts, starts.dropFirst() + [line.count + 1]).map { $0..<$1 - 1 }
    let family = line.extracting(words[1])
    if family.equals("UNKNOWN") { return .header(ProxyHeader(length: end + 1, source: nil)) }
    guard words.count == 6, family.equals("TCP4") || family.equals("TCP6") else { return .malformed }
    let (source, destination) = (line.extracting(words[2]), line.extracting(words[3]))
    let hasColons = family.equals("TCP6")
    guard source.contains(UInt8(ascii: ":")) == hasColons, destination.contains(UInt8(ascii: ":")) == hasColons,
      let address = try? IPAddress(parsing: source), (try? IPAddress(parsing: destination)) != nil,
      let port = parseDecimal(line.extracting(words[4]), maximum: 65_535),
      parseDecimal(line.extracting(words[5]), maximum: 65_535) != nil
    else { return .malformed }
    return .header(ProxyHeader(length: end + 1, source: Endpoint(address: address, port: UInt16(port))))
  }
}

extension ProxyHeader {
  /// The bytes of version 2 for a connection from `source` to `destination` (§2.2). Addresses of different families are
  /// both written as IPv6.
  public static func bytes(from source: Endpoint, to destination: Endpoint) -> [UInt8] {
    let isV4 = source.address.family == .v4 && destination.address.family == .v4
    var header = block(command: 0x21, family: isV4 ? 0x11 : 0x21, count: isV4 ? 12 : 36)
    for address in [source.address, destination.address] {
      if !isV4, address.family == .v4 {
        header.append(bigEndian: UInt64(0))
        header.append(bigEndian: 0xffff << 32 | address.low)
      } else {
        address.writeBytes(into: &header)
      }
    }
    header.append(bigEndian: source.port)
    header.append(bigEndian: destination.port)
    return header.bytes
  }

  /// The same for a connection of the sender's own (LOCAL).
  public static var localBytes: [UInt8] { block(command: 0x20, family: 0, count: 0).bytes }

  private static func block(command: UInt8, family: UInt8, count: UInt16) -> ByteWriter {
    var header = ByteWriter(limit: fixedBytes + Int(count))
    header.append(signature.utf8Span.span)
    header.append(command)
    header.append(family)
    header.append(bigEndian: count)
    return header
  }
}

extension Span<UInt8> {
  /// Whether these bytes start with the text, or are the start of the text.
  fileprivate func agrees(with text: String) -> Bool {
    let text = text.utf8Span.span
    for index in 0..<Swift.min(count, text.count) where self[index] != text[index] { return false }
    return true
  }

  fileprivate func equals(_ text: String) -> Bool { count == text.utf8.count && agrees(with: text) }
}
