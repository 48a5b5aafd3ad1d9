import Wire

/// The affinity of all clients as it is stored in a file. The format, with all numbers big-endian:
///
///     0   "BELVAFF" and a line feed
///     8   version, 32 bits: 1
///     12  time of the snapshot, nanoseconds since 1970, 64 bits
///     20  the seed of the tokens' hash, two words of 64 bits
///     36  number of clients by address, 32 bits
///     40  number of clients by token, 32 bits
///     44  the clients, those by address first, 28 bytes each:
///         key, 128 bits; server, 64 bits; silence in milliseconds, 32 bits
///     end SipHash-2-4-128, with a key of zeros, of all preceding bytes, to detect damage
///
/// A token is issued by a server: the value of a cookie or the connection id of a tunnel. The file contains a keyed
/// hash of it. A server is stored as its `ServerID`. A later version may change everything after the version number.
public struct AffinitySnapshot: Hashable, Sendable {
  /// The hash with which the keys of `tokens` were computed.
  public let tokenHash: SecretHash
  /// The time of the snapshot; the records' silence is measured up to it.
  public let taken: WallTime
  /// Clients identified by address.
  public let addresses: [AffinityRecord]
  /// Clients identified by a token.
  public let tokens: [AffinityRecord]

  public init(tokenHash: SecretHash, taken: WallTime, addresses: [AffinityRecord], tokens: [AffinityRecord]) {
    self.tokenHash = tokenHash
    self.taken = taken
    self.addresses = addresses
    self.tokens = tokens
  }

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
  private static let headBytes = 44
  private static let recordBytes = 28
  private static let checksumBytes = 16
  private static let checksum = SecretHash(seed: 0, 0)

  /// Maximum of clients of each kind, in a table and in a snapshot.
  public static let recordLimit = 10_000_000
  /// Maximum size of a snapshot.
  public static let byteLimit = headBytes + 2 * recordLimit * recordBytes + checksumBytes

  /// The encoded bytes; of more than `recordLimit` clients only the first.
  public func encoded() -> [UInt8] {
    let (addresses, tokens) = (addresses.prefix(Self.recordLimit), tokens.prefix(Self.recordLimit))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.headBytes + (addresses.count + tokens.count) * Self.recordBytes + Self.checksumBytes)
    bytes += Self.magic
    bytes.append(bigEndian: Self.version)
    bytes.append(bigEndian: taken.nanoseconds)
    bytes.append(bigEndian: tokenHash.key0)
    bytes.append(bigEndian: tokenHash.key1)
    bytes.append(bigEndian: UInt32(addresses.count))
    bytes.append(bigEndian: UInt32(tokens.count))
    for records in [addresses, tokens] {
      for record in records {
        bytes.append(bigEndian: record.client.high)
        bytes.append(bigEndian: record.client.low)
        bytes.append(bigEndian: record.server.rawValue)
        bytes.append(bigEndian: UInt32(clamping: record.silence.milliseconds))
      }
    }
    let sum = Self.checksum(bytes.span)
    bytes.append(bigEndian: sum.first)
    bytes.append(bigEndian: sum.last)
    return bytes
  }

  /// Decodes the output of `encoded`, and rejects everything else.
  public init(decoding bytes: Span<UInt8>) throws(AffinitySnapshotError) {
    guard bytes.count >= Self.magic.count else { throw .foreign }
    for (index, byte) in Self.magic.enumerated() where bytes[index] != byte { throw .foreign }
    do {
      var reader = ByteReader(bytes.extracting(droppingFirst: Self.magic.count))
      let version = try reader.readUInt32()
      if version > Self.version { throw AffinitySnapshotError.tooNew(version: version) }
      guard version == Self.version, Self.hasGoodSum(bytes) else { throw AffinitySnapshotError.damaged }
      taken = WallTime(nanoseconds: try reader.readUInt64())
      tokenHash = SecretHash(seed: try reader.readUInt64(), try reader.readUInt64())
      let (addressCount, tokenCount) = (Int(try reader.readUInt32()), Int(try reader.readUInt32()))
      guard reader.remaining == (addressCount + tokenCount) * Self.recordBytes + Self.checksumBytes else {
        throw AffinitySnapshotError.damaged
      }
      addresses = try Self.readRecords(addressCount, &reader)
      tokens = try Self.readRecords(tokenCount, &reader)
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
    for _ in 0..<count {
      records.append(
        AffinityRecord(
          client: ClientKey(high: try reader.readUInt64(), low: try reader.readUInt64()),
          server: ServerID(rawValue: try reader.readUInt64()),
          silence: .milliseconds(UInt64(try reader.readUInt32()))))
    }
    return records
  }
}

extension Array<UInt8> {
  /// Appends a number in network byte order.
  fileprivate mutating func append<Number: FixedWidthInteger & UnsignedInteger>(bigEndian number: Number) {
    for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: number >> Number(truncatingIfNeeded: shift)))
    }
  }
}
