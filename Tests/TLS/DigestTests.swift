import TLS
import Testing
import Wire

struct DigestTests {
  @Test func `the answer to the WebSocket key is that of RFC 6455 §1.3`() {
    let key = "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    #expect(Digest.sha1Base64(Array(key.utf8)) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")])
  func `Base64 gives the test vectors of RFC 4648 §10`(text: String, encoded: String) {
    #expect(Digest.base64(Array(text.utf8)) == encoded)
  }

  @Test func `SHA-256 of no bytes is the published value`() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    #expect(Hexadecimal.text(Digest.sha256([])) == empty)
  }

  @Test(arguments: [0, 1, 63, 64, 65, 1000])
  func `an incremental digest does not depend on how the bytes are split`(cut: Int) throws {
    let bytes = (0..<1000).map { UInt8($0 % 251) }
    var digest = try RunningDigest()
    digest.update(Array(bytes[..<cut]).span)
    digest.update(Array(bytes[cut...]).span)
    #expect(digest.finish() == Digest.sha256(bytes))
  }

  @Test func `random bytes differ`() throws {
    #expect(try RandomBytes.make(16) != RandomBytes.make(16))
    #expect(try RandomBytes.make(0).isEmpty)
  }

  @Test func `HMAC-SHA256 gives the test vector of RFC 4231 §4.3`() {
    let digest = Digest.hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
    #expect(Hexadecimal.text(digest) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }
}
