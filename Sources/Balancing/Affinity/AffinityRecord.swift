import Wire

/// The data of one entry, independent of the table and its clock.
public struct AffinityRecord: Hashable, Sendable {
  public let client: ClientKey
  public let server: ServerID
  /// Time since the client was last active; zero with an open session.
  public let silence: Interval

  public init(client: ClientKey, server: ServerID, silence: Interval) {
    self.client = client
    self.server = server
    self.silence = silence
  }

  /// Number of encoded bytes: key, 128 bits; server, 64 bits; silence in milliseconds, 32 bits; big-endian.
  public static let byteCount = 28

  /// Appends the encoded bytes.
  public func append(to writer: inout ByteWriter) {
    writer.append(bigEndian: client.high)
    writer.append(bigEndian: client.low)
    writer.append(bigEndian: server.rawValue)
    writer.append(bigEndian: UInt32(clamping: silence.milliseconds))
  }

  /// Decodes the next `byteCount` bytes.
  public init(reading reader: inout ByteReader) throws(ByteReader.Failure) {
    client = ClientKey(high: try reader.readUInt64(), low: try reader.readUInt64())
    server = ServerID(rawValue: try reader.readUInt64())
    silence = .milliseconds(UInt64(try reader.readUInt32()))
  }
}
