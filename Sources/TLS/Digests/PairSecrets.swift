import Wire

/// The secret that the nodes of a pair share, and during a change the one that it replaces. Every key that they have in
/// common is derived from it.
public final class PairSecrets: Sendable {
  /// 1 or 2. The first is used, the second is accepted as well.
  public let count: Int
  private let secrets: SecretBytes

  /// Bytes of a secret.
  static let size = 32
  /// The largest file: two lines, and room for comments.
  public static let fileLimit = 4096

  /// Reads the contents of a file: one or two lines of 64 hexadecimal digits, and comments that begin with `#`.
  public init(parsing text: [UInt8]) throws(PairSecretsError) {
    var all: [UInt8] = []
    for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      let digits = line.filter { !" \t\r".utf8.contains($0) }
      guard let first = digits.first, first != UInt8(ascii: "#") else { continue }
      guard let secret = Hexadecimal.bytes(digits), secret.count == Self.size else {
        throw .malformed(line: index + 1)
      }
      all += secret
    }
    guard !all.isEmpty else { throw .empty }
    count = all.count / Self.size
    guard count <= 2 else { throw .tooMany(count) }
    secrets = SecretBytes(copying: all)
  }

  /// The key for a purpose, from the secret at an index below `count`.
  func key(_ label: some Sequence<UInt8>, of index: Int, size: Int = PairSecrets.size) -> SecretBytes {
    precondition(index < count)
    return unsafe secrets.withBytes { all in
      // SAFETY: the secrets are valid for the call, and there are `count` of them.
      let range = index * Self.size..<(index + 1) * Self.size
      return unsafe HKDF.derive(size, from: UnsafeRawBufferPointer(rebasing: all[range]), label: Array(label))
    }
  }
}

/// Why a file has no usable secret, to be read after its path.
public enum PairSecretsError: Error, Hashable, CustomStringConvertible {
  case empty
  case malformed(line: Int)
  case tooMany(Int)

  public var description: String {
    switch self {
    case .empty: "has no secret: expected a line of 64 hexadecimal digits"
    case .malformed(let line): "line \(line) is no secret: expected 64 hexadecimal digits"
    case .tooMany(let count): "has \(count) secrets: expected one, or two during a change"
    }
  }
}
