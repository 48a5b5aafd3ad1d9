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

  /// The text of a file with a new secret, followed by the one in use before.
  public static func makeText(replacing former: PairSecrets? = nil) throws(TLSError) -> String {
    var text = "# In use (docs/pair.md).\n\(Hexadecimal.text(try RandomBytes.make(size)))\n"
    // SAFETY: the first secret's bytes are copied during the call.
    let replaced = unsafe former?.secrets.withBytes { unsafe Hexadecimal.text($0.prefix(size)) }
    if let replaced { text += "# In use before, and still accepted.\n\(replaced)\n" }
    return text
  }

  /// The seed of the hash that stands for clients' cookies and tunnels. From the last secret: it does not change while
  /// a change of the secret reaches one node after another.
  public var tokenSeed: (UInt64, UInt64) {
    let seed = key(Array("belvedere tokens".utf8), of: count - 1, size: 16)
    return unsafe seed.withBytes {
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
    return unsafe secrets.withBytes { all in
      // SAFETY: the secrets are valid for the call, and there are `count` of them.
      let range = index * Self.size..<(index + 1) * Self.size
      return unsafe HKDF.derive(size, from: UnsafeRawBufferPointer(rebasing: all[range]), label: label)
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
