import Wire

/// All that is remembered of clients, as it outlives the process. Its bytes, all numbers big-endian:
///
///     0   "BELVAFF" and a line feed
///     8   version, 32 bits: 1
///     12  when it was made, nanoseconds since 1970, 64 bits
///     20  the seed of the tokens' hash, two words of 64 bits
///     36  how many clients are known by address, 32 bits
///     40  how many are known by a token, 32 bits
///     44  the clients, those by address first, 28 bytes each:
///         key, 128 bits; server, 64 bits; silence in milliseconds, 32 bits
///     end SipHash-2-4-128 of everything before it under a key of zeros, against damage
///
/// A token is issued by a server: the value of a cookie or the connection id of a tunnel. The file has a keyed hash of it. A
/// server is its `ServerID`. A later version may change everything behind the
/// version's number.
public struct AffinitySnapshot: Hashable, Sendable {
  /// What the keys of `tokens` were made with.
  public let tokenHash: SecretHash
  /// When it was taken; the records' silence ends then.
  public let taken: WallTime
  /// Clients that are known by address.
  public let addresses: [AffinityRecord]
  /// Clients that are known by a token.
  public let tokens: [AffinityRecord]

  public init(tokenHash: SecretHash, taken: WallTime, addresses: [AffinityRecord], tokens: [AffinityRecord]) {
    self.tokenHash = tokenHash
    self.taken = taken
    self.addresses = addresses
    self.tokens = tokens
  }

  /// How much time has passed since it was made; none when the wall clock was set back meanwhile.
  public func elapsed(at wall: WallTime) -> Interval { wall - taken }
}

/// Why bytes are no snapshot.
public enum AffinitySnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Something else than a snapshot.
  case foreign
  /// Made by a later release.
  case tooNew(version: UInt32)
  /// Cut short, or changed since it was made.
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

  /// How many clients of each kind a table can hold, and a snapshot.
  public static let recordLimit = 10_000_000
  /// No snapshot is larger.
  public static let byteLimit = headBytes + 2 * recordLimit * recordBytes + checksumBytes

  /// The bytes; of more than `recordLimit` clients the first.
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

  /// Reads what `encoded` wrote, and believes nothing else.
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

  /// The sum at the end is that of everything before it.
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
