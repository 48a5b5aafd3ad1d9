import Wire

/// The data of one entry, independent of the table and its clock.
public struct AffinityRecord: Hashable, Sendable {
  public let client: ClientKey
  public let server: ServerID
  /// When it was assigned there, or its last session there began.
  public let assigned: AssignmentTime
  /// Time since the client was last active; zero with an open session on the node that sends it.
  public let silence: Interval
  /// Whether it had an open session then.
  public let isOpen: Bool

  public init(client: ClientKey, server: ServerID, assigned: AssignmentTime, silence: Interval, isOpen: Bool = false) {
    self.client = client
    self.server = server
    self.assigned = assigned
    self.silence = silence
    self.isOpen = isOpen
  }

  /// Number of encoded bytes: key, 128 bits; server, 64 bits; time of the assignment, 64 bits; whether a session is
  /// open, 1 bit, and silence in milliseconds, 31 bits; big-endian.
  public static let byteCount = 36

  private static let openBit: UInt32 = 1 << 31

  /// Appends the encoded bytes.
  public func append(to writer: inout ByteWriter) {
    writer.append(bigEndian: client.high)
    writer.append(bigEndian: client.low)
    writer.append(bigEndian: server.rawValue)
    writer.append(bigEndian: assigned.nanoseconds)
    let milliseconds = min(UInt32(clamping: silence.milliseconds), Self.openBit - 1)
    writer.append(bigEndian: isOpen ? milliseconds | Self.openBit : milliseconds)
  }

  /// Decodes the next `byteCount` bytes.
  public init(reading reader: inout ByteReader) throws(ByteReader.Failure) {
    client = ClientKey(high: try reader.readUInt64(), low: try reader.readUInt64())
    server = ServerID(rawValue: try reader.readUInt64())
    assigned = AssignmentTime(nanoseconds: try reader.readUInt64())
    let word = try reader.readUInt32()
    isOpen = word & Self.openBit != 0
    silence = .milliseconds(UInt64(word & ~Self.openBit))
  }
}
