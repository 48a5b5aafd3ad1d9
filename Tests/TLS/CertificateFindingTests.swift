import COpenSSL
import Glibc
import Linux
import Testing
import Wire

@testable import TLS

struct CertificateFindingTests {
  private static let now = Clock.wall()

  @Test func `a valid certificate with its issuers has no findings`() throws {
    let root = CertificateFactory.authority("Root")
    let between = CertificateFactory.authority("Between", signedBy: root)
    let leaf = CertificateFactory.leaf(signedBy: between)
    #expect(try leaf.pair(with: [between, root]).findings(at: Self.now) == [])
    #expect(try CertificateFactory.leaf().pair().findings(at: Self.now) == [])
  }

  @Test func `a certificate that is not yet valid is reported, and so is an expired issuer`() throws {
    let root = CertificateFactory.authority("Root")
    let between = CertificateFactory.authority("Between", signedBy: root, validity: -7200 ... -3600)
    let leaf = CertificateFactory.leaf(signedBy: between, validity: 3600...7200)
    #expect(
      try leaf.pair(with: [between, root]).findings(at: Self.now)
        == [.notYetValid("CN=view.domain.local"), .issuerEnded("CN=Between")])
  }

  @Test func `weak keys and signatures are reported for each certificate`() throws {
    let root = CertificateFactory.authority("Root")
    let between = CertificateFactory.authority("Between", signedBy: root, key: .rsa(1024))
    let leaf = CertificateFactory.leaf(signedBy: between, digest: "SHA1")
    #expect(
      try leaf.pair(with: [between]).findings(at: Self.now)
        == [
          .weakSignature("CN=view.domain.local", algorithm: "sha1WithRSAEncryption"),
          .refusedKey("CN=Between", key: "RSA 1024"),
        ])
  }

  @Test(arguments: [
    (CertificateFactory.Key.rsa(2048), false), (.curve("P-256"), false), (.curve("P-384"), false),
    (.curve("P-521"), true),
    (.ed25519, true),
  ])
  func `a key type that Chrome or Windows does not support is reported`(_ key: CertificateFactory.Key, _ isTold: Bool)
    throws
  {
    let pair = try CertificateFactory.leaf(key: key).pair()
    #expect(
      pair.findings(at: Self.now)
        == (isTold ? [.refusedKey("CN=view.domain.local", key: pair.facts.key)] : []))
  }

  @Test func `a certificate without subject alternative names is reported`() throws {
    let root = CertificateFactory.authority("Root")
    let leaf = CertificateFactory.make(
      "view.domain.local", signedBy: root, extensions: [(NID_basic_constraints, "critical,CA:FALSE")])
    #expect(try leaf.pair(with: [root]).findings(at: Self.now) == [.nameless("CN=view.domain.local")])
  }

  @Test func `unrelated certificates in the file are reported, except a root`() throws {
    let root = CertificateFactory.authority("Root")
    let leaf = CertificateFactory.leaf(signedBy: root)
    let other = CertificateFactory.leaf("other.test")
    #expect(try leaf.pair(with: [root, other]).findings(at: Self.now) == [.unrelated(["CN=other.test"])])
  }

  @Test func `a missing issuer is reported with the URL to fetch it from`() throws {
    let root = CertificateFactory.authority("Root")
    let access = [(NID_info_access, "caIssuers;URI:http://ca.test/root.crt")]
    let leaf = CertificateFactory.leaf(signedBy: root, extensions: access)
    #expect(
      try leaf.pair().findings(at: Self.now) == [.issuerMissing("CN=Root", url: "http://ca.test/root.crt")])
    #expect(try leaf.pair(with: [root]).findings(at: Self.now) == [])
  }

  @Test(arguments: [
    [], [(NID_info_access, "caIssuers;URI:ldap:///CN=Root?cACertificate?base?objectClass=certificationAuthority")],
    [(NID_info_access, "OCSP;URI:http://ocsp.test/")],
  ])
  func `a missing issuer is reported without a URL if the certificate has none`(access: [(Int32, String)]) throws {
    let root = CertificateFactory.authority("Root")
    let leaf = CertificateFactory.leaf(
      signedBy: CertificateFactory.authority("Between", signedBy: root), extensions: access)
    for others in [[], [root]] {
      let findings = try leaf.pair(with: others).findings(at: Self.now)
      #expect(findings.first == .issuerMissing("CN=Between", url: nil))
    }
  }

  @Test func `an expired issuer beside its renewed certificate is reported as replaced`() throws {
    let root = CertificateFactory.authority("Root")
    let between = CertificateFactory.authority("Between", signedBy: root)
    let old = CertificateFactory.renewed(between, by: root, validity: -7200 ... -60)
    let leaf = CertificateFactory.leaf(signedBy: between)
    for file in [[old, between], [between, old], [root, old, between]] {
      #expect(try leaf.pair(with: file).findings(at: Self.now) == [.replaced(["CN=Between"])])
    }
  }
}
