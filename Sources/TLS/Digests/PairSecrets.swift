import Linux
import Wire

/// The secret that the nodes of a pair share, and during a change the one that it replaces. Every key that they have in
/// common is derived from it; the seed of the hash that stands for clients outlasts a change.
public final class PairSecrets: Sendable {
  /// 1 or 2. The first is used, the second is accepted as well.
  public let count: Int
  private let secrets: SecretBytes
  private let seed: SecretBytes

  /// Bytes of a secret.
  static let size = 32
  /// Bytes of the seed.
  private static let seedSize = 16
  /// The first word of the seed's line.
  private static let seedWord = "seed"
  /// The largest file: three lines, and room for comments.
  static let fileLimit = 4096

  /// Reads a file of one or two lines of 64 hexadecimal digits, at most one line `seed` with 32, and comments that begin
  /// with `#`. Its bytes are zeroed afterwards.
  public convenience init(contentsOf path: String) throws(PairSecretsError) {
    let contents: SecretBytes
    do throws(SystemError) { contents = try SecretBytes(contentsOf: path, limit: Self.fileLimit) } catch {
      throw .unreadable(error)
    }
    try self.init(parsing: contents.bytes)
  }

  /// Reads the contents of such a file.
  public init(parsing text: Span<UInt8>) throws(PairSecretsError) {
    let all = SecretBytes(count: 2 * Self.size)
    var count = 0
    var seed: SecretBytes?
    for (index, range) in text.lines.enumerated() {
      let line = text.extracting(range)
      guard line.count > 0, line[0] != UInt8(ascii: "#") else { continue }
      if line.begins(with: Self.seedWord) {
        let digits = line.extracting(droppingFirst: Self.seedWord.utf8.count)
        guard seed == nil, let found = SecretBytes(hexadecimal: digits, count: Self.seedSize) else {
          throw .malformedSeed(line: index + 1)
        }
        seed = consume found
      } else {
        guard let secret = SecretBytes(hexadecimal: line, count: Self.size) else { throw .malformed(line: index + 1) }
        if count < 2 { all.write(secret, at: count * Self.size) }
        count += 1
      }
    }
    guard count > 0 else { throw .empty }
    guard count <= 2 else { throw .tooMany(count) }
    self.count = count
    // Of the last secret, so that it is the same while the first change reaches one node after another.
    if let seed {
      self.seed = seed
    } else {
      self.seed = Self.derive(Array("belvedere tokens".utf8), Self.seedSize, from: all, at: count - 1)
    }
    secrets = all
  }

  /// The text of a file with a new secret, followed by the one in use before and the seed.
  public static func makeText(replacing former: PairSecrets? = nil) throws(TLSError) -> String {
    var text = "# In use (docs/pair.md).\n\(Hexadecimal.text(try RandomBytes.make(size)))\n"
    guard let former else { return text }
    // SAFETY: the bytes of the first secret and of the seed are copied during the calls.
    let replaced = unsafe former.secrets.withBytes { unsafe Hexadecimal.text($0.prefix(size)) }
    let seed = unsafe former.seed.withBytes { unsafe Hexadecimal.text($0) }
    text += "# In use before, and still accepted.\n\(replaced)\n"
    return text + "# Stays the same: cookies and tunnels are known by a hash with it.\n\(seedWord) \(seed)\n"
  }

  /// The seed of the hash that stands for clients' cookies and tunnels. A change of the secret leaves it alone.
  public var tokenSeed: (UInt64, UInt64) {
    unsafe seed.withBytes {
      // SAFETY: there are 16 bytes.
      (
        unsafe UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        unsafe UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  /// The key for a purpose, the label, from the secret at an index below `count`.
  func key(_ label: [UInt8], of index: Int, size: Int = PairSecrets.size) -> SecretBytes {
    precondition(index < count)
    return Self.derive(label, size, from: secrets, at: index)
  }

  private static func derive(
    _ label: [UInt8], _ size: Int, from secrets: borrowing SecretBytes, at index: Int
  ) -> SecretBytes {
    unsafe secrets.withBytes { all in
      // SAFETY: the secrets are valid for the call, and `index` is one of the two.
      let range = index * Self.size..<(index + 1) * Self.size
      return unsafe HKDF.derive(size, from: UnsafeRawBufferPointer(rebasing: all[range]), label: label)
    }
  }
}

extension Span<UInt8> {
  /// The places of the lines, without white space before them and without their ends.
  fileprivate var lines: [Range<Int>] {
    var lines: [Range<Int>] = []
    var start = 0
    for index in indices {
      if self[index] == UInt8(ascii: "\n") {
        lines.append(start..<index)
        start = index + 1
      } else if start == index, self[index].isWhiteSpace {
        start += 1
      }
    }
    return lines + [start..<count]
  }

  fileprivate func begins(with word: String) -> Bool {
    count >= word.utf8.count && word.utf8.enumerated().allSatisfy { self[$0] == $1 }
  }
}

/// Why a file has no usable secret, to be read after its path.
public enum PairSecretsError: Error, Hashable, CustomStringConvertible {
  case unreadable(SystemError)
  case empty
  case malformed(line: Int)
  case malformedSeed(line: Int)
  case tooMany(Int)

  /// Whether there is no such file.
  public var isForMissingFile: Bool {
    if case .unreadable(let error) = self { error.code == SystemError.notFound } else { false }
  }

  public var description: String {
    switch self {
    case .unreadable(let error): "can't be used: \(SystemError.words(for: error.code))"
    case .empty: "has no secret: expected a line of 64 hexadecimal digits"
    case .malformed(let line): "line \(line) is no secret: expected 64 hexadecimal digits"
    case .malformedSeed(let line): "line \(line) is no seed: expected one line of `seed` and 32 hexadecimal digits"
    case .tooMany(let count): "has \(count) secrets: expected one, or two during a change"
    }
  }
}
