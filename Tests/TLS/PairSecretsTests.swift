import Linux
import Testing
import Wire

@testable import TLS

struct PairSecretsTests {
  private static let first = String(repeating: "0b", count: 32)
  private static let second = String(repeating: "a7", count: 32)
  private static let seed = String(repeating: "c3", count: 16)

  private static func bytes(_ key: borrowing SecretBytes) -> [UInt8] { unsafe key.withBytes { unsafe Array($0) } }

  @Test func `HKDF gives the test vector of RFC 5869 §A.3`() {
    let secret = SecretBytes(copying: [UInt8](repeating: 0x0b, count: 22))
    let key = unsafe secret.withBytes { unsafe HKDF.derive(42, from: UnsafeRawBufferPointer($0), label: []) }
    #expect(
      Hexadecimal.text(Self.bytes(key))
        == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
  }

  @Test func `a key is derived by HMAC of HMAC, with the label (RFC 5869 §2)`() throws {
    let secrets = try PairSecrets(parsing: Array("\(Self.first)\n\(Self.second)".utf8).span)
    for (index, byte) in [UInt8(0x0b), 0xa7].enumerated() {
      let random = Digest.hmacSHA256(
        key: [UInt8](repeating: 0, count: 32), [UInt8](repeating: byte, count: 32))
      let expected = Digest.hmacSHA256(key: random, Array("label".utf8) + [1])
      #expect(Self.bytes(secrets.key(Array("label".utf8), of: index)) == expected)
    }
  }

  @Test(arguments: [
    (first, 1), ("# lb1 and lb2\n\n\(second)\r\n", 1), ("  \(first.uppercased())\n# the old one\n\(second)\n", 2),
    ("\(first)\n\t\(second)\n \r\nseed \(seed)", 2),
  ])
  func `a file has one or two secrets, and comments`(text: String, count: Int) throws {
    #expect(try PairSecrets(parsing: Array(text.utf8).span).count == count)
  }

  @Test(arguments: [
    ("", PairSecretsError.empty), ("# none\n\n", .empty), ("\(first)\n0b0b\n", .malformed(line: 2)),
    ("\(first)00", .malformed(line: 1)), (String(first.dropLast()) + "g", .malformed(line: 1)),
    ("\(first)\n\(second)\n\(first)\n", .tooMany(3)), ("\0", .malformed(line: 1)),
    ("seed \(seed)\n", .empty), ("\(first)\nseed \(seed)0\n", .malformedSeed(line: 2)),
    ("\(first)\nseed \(first)\n", .malformedSeed(line: 2)),
    ("seed \(seed)\n\(first)\nseed \(seed)\n", .malformedSeed(line: 3)),
  ])
  func `invalid content of a secret file is refused with its line`(text: String, expected: PairSecretsError) {
    #expect(throws: expected) { try PairSecrets(parsing: Array(text.utf8).span) }
  }

  @Test func `a new file has a new secret beside the one that it replaces`() throws {
    let made = try PairSecrets.makeText()
    let former = try PairSecrets(parsing: Array(made.utf8).span)
    #expect(former.count == 1)
    #expect(try PairSecrets.makeText() != made)
    let changed = try PairSecrets(parsing: Array(PairSecrets.makeText(replacing: former).utf8).span)
    #expect(changed.count == 2)
    let again = try PairSecrets(parsing: Array(PairSecrets.makeText(replacing: changed).utf8).span)
    #expect(again.count == 2)
    // The first two have the last secret in common.
    #expect(changed.tokenSeed == former.tokenSeed && again.tokenSeed == former.tokenSeed)
  }

  @Test func `a file with a seed needs no secret for it`() throws {
    let one = try PairSecrets(parsing: Array("\(Self.first)\nseed \(Self.seed)".utf8).span)
    #expect(one.tokenSeed == (0xc3c3_c3c3_c3c3_c3c3, 0xc3c3_c3c3_c3c3_c3c3))
    let other = try PairSecrets(parsing: Array("seed \(Self.seed.uppercased())\n\(Self.second)".utf8).span)
    #expect(other.tokenSeed == one.tokenSeed)
  }

  @Test func `an unreadable file is distinguished from a missing one`() {
    let missing = PairSecretsError.unreadable(SystemError("open /nowhere/pair.key", code: SystemError.notFound))
    #expect(throws: missing) { try PairSecrets(contentsOf: "/nowhere/pair.key") }
    #expect(missing.isForMissingFile && !PairSecretsError.empty.isForMissingFile)
    #expect("\(missing)" == "can't be used: No such file or directory (ENOENT)")
    #expect(throws: (any Error).self) { try PairSecrets(contentsOf: "/dev/zero") }
  }
}
