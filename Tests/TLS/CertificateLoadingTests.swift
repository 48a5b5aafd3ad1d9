import Domain
import Glibc
import Testing
import Wire

@testable import TLS

struct CertificateLoadingTests {
  @Test func `certificate, chain and key come from one text in any order`() throws {
    let authority = try SelfSigned.make(for: ["Authority"], authority: true)
    let pair = try SelfSigned.make(for: ["view.domain.local"], signedBy: authority)
    let (certificates, key) = try (pair.certificatePEM(), pair.privateKeyPEM())
    let issuer = try authority.certificatePEM()
    for text in [certificates + key, key + certificates, issuer + key + certificates] {
      let loaded = try CertificatePair(pem: text, origin: "text")
      #expect(loaded.facts == pair.facts)
      #expect(loaded.keyType == .ecdsa)
    }
    #expect(try CertificatePair(pem: certificates + key, origin: "text").chain.issuers.isEmpty)
    #expect(try CertificatePair(pem: issuer + certificates + key, origin: "text").chain.root != nil)
    #expect(try CertificatePair(pem: certificates, key: key, origin: "text").facts == pair.facts)
  }

  @Test func `certificate and key come from files`() throws {
    let pair = try SelfSigned.make(for: ["view.domain.local"])
    let certificate = try TemporaryFile(pair.certificatePEM())
    let key = try TemporaryFile(pair.privateKeyPEM())
    #expect(try CertificatePair(path: certificate.path, keyPath: key.path).facts == pair.facts)
    let both = try TemporaryFile(pair.privateKeyPEM() + pair.certificatePEM())
    #expect(try CertificatePair(path: both.path).facts == pair.facts)
    #expect(throws: TLSError.noKey(origin: certificate.path)) { try CertificatePair(path: certificate.path) }
    #expect(throws: TLSError.noCertificate(origin: key.path)) { try CertificatePair(path: key.path) }
  }

  @Test(arguments: [("/nonexistent.pem", ENOENT), ("/etc", EISDIR), ("/dev/zero", EFBIG), ("", ENOENT)])
  func `a file that can't be read is named, with the reason`(path: String, errno: Int32) {
    let error = TLSError.unreadable(path: path, errno: errno)
    #expect(throws: error) { try CertificatePair(path: path) }
  }

  @Test func `an unreadable file is reported with the system's error message`() {
    let error = TLSError.unreadable(path: "/x.pem", errno: ENOENT)
    #expect(error.description == "/x.pem can't be read: No such file or directory (ENOENT)")
  }

  @Test func `a key that belongs to another certificate is refused`() throws {
    let (one, other) = try (SelfSigned.make(for: ["one"]), SelfSigned.make(for: ["other"]))
    #expect(throws: TLSError.keyMismatch(origin: "text", keyOrigin: "text", subject: "CN=one")) {
      try CertificatePair(pem: one.certificatePEM(), key: other.privateKeyPEM(), origin: "text")
    }
  }

  @Test(arguments: [Samples.encryptedKey, Samples.traditionallyEncryptedKey])
  func `an encrypted key is refused without a passphrase prompt`(key: [UInt8]) throws {
    let pair = try SelfSigned.make(for: ["view.domain.local"])
    #expect(throws: TLSError.encryptedKey(origin: "text")) {
      try CertificatePair(pem: pair.certificatePEM() + key, origin: "text")
    }
  }

  @Test func `a damaged certificate is refused with OpenSSL's error message`() throws {
    let pair = try SelfSigned.make(for: ["view.domain.local"])
    var text = try pair.certificatePEM()
    text[100] = UInt8(ascii: "!")
    #expect {
      try CertificatePair(pem: text + pair.privateKeyPEM(), origin: "text")
    } throws: { error in
      if case TLSError.refused(origin: "text", let reason) = error { !reason.isEmpty } else { false }
    }
  }

  @Test func `a key that is too weak for the system's policy is refused`() throws {
    let weak = try CertificatePair(pem: Samples.weakRSA, origin: "weak")
    #expect(
      throws: TLSError.refused(
        origin: "weak",
        reason: "ee key too small; the key of CN=weak is RSA 1024, its signature sha256WithRSAEncryption")
    ) {
      try ServerContext(certificates: [weak], profile: .intermediate, tickets: nil)
    }
  }

  @Test(arguments: 0..<200)
  func `damaged PEM text never crashes the loader`(seed: Int) throws {
    let pair = try SelfSigned.make(for: ["view.domain.local"])
    var text = try pair.certificatePEM() + pair.privateKeyPEM()
    var random = UInt64(seed + 1)
    for _ in 0..<3 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      text[Int(random >> 33) % text.count] = UInt8(truncatingIfNeeded: random >> 25)
    }
    _ = try? CertificatePair(pem: text, origin: "text")
  }

  @Test func `the facts of a certificate have its names, key type and validity`() throws {
    let pair = try SelfSigned.make(for: ["View.domain.local", "2001:db8::1"], validity: 0...3600)
    #expect(pair.facts.subject == "CN=View.domain.local")
    #expect(pair.facts.names == ["view.domain.local"])
    #expect(pair.facts.addresses == ["2001:db8::1"])
    #expect(pair.facts.selfIssued)
    #expect(!pair.facts.expired(at: pair.facts.notAfter))
    #expect(pair.facts.expired(at: pair.facts.notAfter + .seconds(1)))
    let old = try CertificatePair(pem: Samples.rsa, origin: "rsa")
    #expect(old.keyType == .rsa)
    #expect(old.facts.notBefore == Samples.rsaNotBefore)
  }
}

/// A file that is deleted with its owner.
struct TemporaryFile: ~Copyable {
  let path: String

  init(_ bytes: [UInt8]) throws {
    var template = Array("/tmp/belvedere-tls-XXXXXX".utf8CString)
    let descriptor = unsafe mkstemp(&template)
    precondition(descriptor >= 0)
    defer { close(descriptor) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let written = unsafe write(descriptor, bytes, bytes.count)
    precondition(written == bytes.count)
  }

  deinit { _ = unsafe unlink(path) }
}
