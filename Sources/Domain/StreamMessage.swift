import Wire

/// A message about a stream of bytes between a process on one node of the pair and one on another node.
///
/// Either end may send data in messages that the other end has granted with `credit`. The acceptor may send
/// `StreamWindow.size` of them from the beginning; the opener none before the first credit, with which the acceptor says
/// that its process is connected.
public struct StreamMessage: Hashable, Sendable {
  /// The end that sends the message.
  public enum Sender: UInt8, Hashable, Sendable, CaseIterable {
    /// The end whose process requested the stream.
    case opener = 1
    case acceptor

    public var other: Sender { self == .opener ? .acceptor : .opener }
  }

  /// What the message says.
  public enum Content: Hashable, Sendable {
    /// From the opener only, and first.
    case open
    /// At least one byte, at most `chunkLimit`.
    case data([UInt8])
    /// This many messages of data were taken, so as many more may follow: 1 to `StreamWindow.size`.
    case credit(Int)
    /// The end of the stream in both directions, after the data that was sent before. The reason is for a person, without
    /// control characters and at most `reasonLimit` bytes; empty: a process has closed its connection.
    case close(reason: String)
  }

  public static let chunkLimit = 16_000
  public static let reasonLimit = 1024
  /// Maximum size of an encoded message.
  public static let byteLimit = 12 + chunkLimit

  /// Chosen by the opener. A number is not used again while the nodes are connected.
  public var stream: UInt64
  public var sender: Sender
  public var content: Content

  public init(_ content: Content, from sender: Sender, of stream: UInt64) {
    self.stream = stream
    self.sender = sender
    self.content = content
  }
}

// The bytes of a message in both protocols, between the nodes and between the processes: the number of the stream in 64
// bits, the sender and the kind of the content in 8 bits each; for data and close the length in 16 bits and the bytes,
// for credit a number in 8 bits. Numbers are big-endian.

extension StreamMessage {
  private enum Kind: UInt8 { case open = 1, data, credit, close }

  /// Appends the message's bytes. Control characters of a reason are escaped, and a long one is cut.
  public func append(to writer: inout ByteWriter) {
    writer.append(bigEndian: stream)
    writer.append(sender.rawValue)
    switch content {
    case .open: writer.append(Kind.open.rawValue)
    case .data(let bytes):
      writer.append(Kind.data.rawValue)
      writer.append(bigEndian: UInt16(clamping: bytes.count))
      writer.append(bytes.span)
    case .credit(let count):
      writer.append(Kind.credit.rawValue)
      writer.append(UInt8(clamping: count))
    case .close(let reason):
      var reason = reason.escapingControls()[...]
      while reason.utf8.count > Self.reasonLimit { reason.removeLast() }
      writer.append(Kind.close.rawValue)
      writer.append(bigEndian: UInt16(reason.utf8.count))
      for byte in reason.utf8 { writer.append(byte) }
    }
  }

  /// Reads a message; nil when this release does not know the content's kind, whose fields are then not read.
  public init?(reading reader: inout ByteReader) throws(FieldError) {
    do { stream = try reader.readUInt64() } catch { throw .truncated }
    let sender = Sender(rawValue: try Self.byte(&reader))
    let kind = Kind(rawValue: try Self.byte(&reader))
    guard let sender else { throw .invalidField("sender") }
    self.sender = sender
    switch kind {
    case .open:
      guard sender == .opener else { throw .invalidField("sender") }
      content = .open
    case .data: content = .data(try Self.bytes(&reader, "data", 1...Self.chunkLimit))
    case .credit:
      let count = Int(try Self.byte(&reader))
      guard 1...StreamWindow.size ~= count else { throw .invalidField("credit") }
      content = .credit(count)
    case .close:
      let bytes = try Self.bytes(&reader, "reason", 0...Self.reasonLimit)
      guard let reason = String(validating: bytes, as: UTF8.self), !reason.unicodeScalars.contains(where: \.isControl)
      else { throw .invalidField("reason") }
      content = .close(reason: reason)
    case nil: return nil
    }
  }

  private static func byte(_ reader: inout ByteReader) throws(FieldError) -> UInt8 {
    do { return try reader.readUInt8() } catch { throw .truncated }
  }

  private static func bytes(
    _ reader: inout ByteReader, _ field: String, _ counts: ClosedRange<Int>
  ) throws(FieldError) -> [UInt8] {
    do {
      let count = Int(try reader.readUInt16())
      guard counts ~= count else { throw FieldError.invalidField(field) }
      return try reader.readArray(count)
    } catch {
      throw error as? FieldError ?? .truncated
    }
  }
}
