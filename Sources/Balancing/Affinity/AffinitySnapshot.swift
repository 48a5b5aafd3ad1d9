import Wire

/// The affinity of all clients as it is stored in a file. The format, with all numbers big-endian:
///
///     0   "BELVAFF" and a line feed
///     8   version, 32 bits: 1
///     12  time of the snapshot, nanoseconds since 1970, 64 bits
///     20  the seed of the tokens' hash, two words of 64 bits
///     36  number of clients by address, 32 bits
///     40  number of clients by cookie, 32 bits
///     44  number of clients by tunnel, 32 bits
///         the clients in this order, 36 bytes each, as `AffinityRecord` encodes them
///     end SipHash-2-4-128, with a key of zeros, of all preceding bytes, to detect damage
///
/// The key of a cookie or tunnel is a keyed hash of its value or connection id. A server is stored as its `ServerID`. A
/// later version may change everything after the version number.
public struct AffinitySnapshot: Hashable, Sendable {
  /// The hash with which the keys of `cookies` and `tunnels` were computed.
  public let tokenHash: SecretHash
  /// The time of the snapshot; the records' silence is measured up to it.
  public let taken: WallTime
  /// Clients identified by address, by cookie and by tunnel; at most `recordLimit` each.
  public let addresses: [AffinityRecord]
  public let cookies: [AffinityRecord]
  public let tunnels: [AffinityRecord]

  public init(
    tokenHash: SecretHash, taken: WallTime, addresses: [AffinityRecord], cookies: [AffinityRecord],
    tunnels: [AffinityRecord]
  ) {
    self.tokenHash = tokenHash
    self.taken = taken
    self.addresses = addresses
    self.cookies = cookies
    self.tunnels = tunnels
  }

  /// Number of records; a client that is known by several keys counts for each.
  public var count: Int { addresses.count + cookies.count + tunnels.count }

  /// The time since the snapshot; zero if the wall clock was set back meanwhile.
  public func elapsed(at wall: WallTime) -> Interval { wall - taken }
}

/// Why bytes are not a valid snapshot.
public enum AffinitySnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not a snapshot.
  case foreign
  /// Written by a later release.
  case tooNew(version: UInt32)
  /// Truncated or modified.
  case damaged

  public var description: String {
    switch self {
    case .foreign: "is no affinity file"
    case .tooNew(let version): "was written by a later release (version \(version) of the file)"
    case .damaged: "is damaged"
    }
  }
}

extension AffinitySnapshot {
  private static let magic = Array("BELVAFF\n".utf8)
  private static let version: UInt32 = 1
  private static let headBytes = 48
  private static let checksumBytes = 16
  private static let checksum = SecretHash(seed: 0, 0)

  /// Maximum of clients of each kind: `affinity.entries` allows no larger tables.
  public static let recordLimit = 10_000_000
  /// Maximum size of a snapshot.
  public static let byteLimit = headBytes + 3 * recordLimit * AffinityRecord.byteCount + checksumBytes

  /// The encoded bytes.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter(limit: Self.byteLimit)
    writer.append(Self.magic.span)
    writer.append(bigEndian: Self.version)
    writer.append(bigEndian: taken.nanoseconds)
    writer.append(bigEndian: tokenHash.key0)
    writer.append(bigEndian: tokenHash.key1)
    writer.append(bigEndian: UInt32(addresses.count))
    writer.append(bigEndian: UInt32(cookies.count))
    writer.append(bigEndian: UInt32(tunnels.count))
    for record in addresses { record.append(to: &writer) }
    for record in cookies { record.append(to: &writer) }
    for record in tunnels { record.append(to: &writer) }
    let sum = Self.checksum(writer.bytes.span)
    writer.append(bigEndian: sum.first)
    writer.append(bigEndian: sum.last)
    return writer.bytes
  }

  /// Decodes the output of `encoded`, and rejects everything else.
  public init(decoding bytes: Span<UInt8>) throws(AffinitySnapshotError) {
    guard bytes.count >= Self.magic.count else { throw .foreign }
    for (index, byte) in Self.magic.enumerated() where bytes[index] != byte { throw .foreign }
    do {
      var reader = ByteReader(bytes.extracting(droppingFirst: Self.magic.count))
      let version = try reader.readUInt32()
      if version > Self.version { throw AffinitySnapshotError.tooNew(version: version) }
      guard version > 0, Self.hasGoodSum(bytes) else { throw AffinitySnapshotError.damaged }
      taken = WallTime(nanoseconds: try reader.readUInt64())
      tokenHash = SecretHash(seed: try reader.readUInt64(), try reader.readUInt64())
      let (addressCount, cookieCount) = (Int(try reader.readUInt32()), Int(try reader.readUInt32()))
      let tunnelCount = Int(try reader.readUInt32())
      let count = addressCount + cookieCount + tunnelCount
      guard reader.remaining == count * AffinityRecord.byteCount + Self.checksumBytes else {
        throw AffinitySnapshotError.damaged
      }
      addresses = try Self.readRecords(addressCount, &reader)
      cookies = try Self.readRecords(cookieCount, &reader)
      tunnels = try Self.readRecords(tunnelCount, &reader)
    } catch {
      throw error as? AffinitySnapshotError ?? .damaged
    }
  }

  /// Whether the checksum at the end is that of all preceding bytes.
  private static func hasGoodSum(_ bytes: Span<UInt8>) -> Bool {
    guard bytes.count >= headBytes + checksumBytes else { return false }
    let sum = checksum(bytes.extracting(droppingLast: checksumBytes))
    var reader = ByteReader(bytes.extracting(last: checksumBytes))
    return (try? reader.readUInt64()) == sum.first && (try? reader.readUInt64()) == sum.last
  }

  private static func readRecords(
    _ count: Int, _ reader: inout ByteReader
  ) throws(ByteReader.Failure) -> [AffinityRecord] {
    var records: [AffinityRecord] = []
    records.reserveCapacity(count)
    for _ in 0..<count { records.append(try AffinityRecord(reading: &reader)) }
    return records
  }
}
