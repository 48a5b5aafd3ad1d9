import Domain
import TLS
import Testing
import Wire

struct VerificationTests {
  private let authority: CertificatePair
  private let good: CertificatePair
  private let name: ReferenceIdentity

  init() throws {
    authority = try SelfSigned.make(for: ["Our Authority"], authority: true)
    good = try SelfSigned.make(for: ["view01.domain.local", "192.0.2.11", "*.pool.local"], signedBy: authority)
    name = try ReferenceIdentity("view01.domain.local")
  }

  private func trustingOurs() throws -> ClientContext {
    try Contexts.trusting(authority.certificatePEM())
  }

  /// The client's result for a server with this certificate.
  private func failure(
    of certificate: CertificatePair, _ client: ClientContext, name: ReferenceIdentity
  ) throws -> TLSFailure? {
    var tlsPair = try TLSPair(Contexts.server(certificate), client, name: name)
    return tlsPair.clientFailure()
  }

  @Test(arguments: ["view01.domain.local", "VIEW01.domain.local", "192.0.2.11", "a.pool.local"])
  func `a chain to the configured authority with the right name is accepted`(name: String) throws {
    #expect(try failure(of: good, trustingOurs(), name: ReferenceIdentity(name)) == nil)
  }

  @Test(arguments: [
    ("view02.domain.local", "hostname mismatch"), ("192.0.2.12", "IP address mismatch"),
    ("a.b.pool.local", "hostname mismatch"), ("pool.local", "hostname mismatch"),
  ])
  func `a certificate for another name is refused, and the log says which names it has`(asked: String, reason: String)
    throws
  {
    let failure = try failure(of: good, trustingOurs(), name: ReferenceIdentity(asked))
    #expect(failure?.blame == .verification)
    #expect(failure?.refusal?.reason == reason)
    #expect(
      failure?.description == "the certificate 'CN=view01.domain.local', issued by 'CN=Our Authority', does not pass: "
        + "\(reason); '\(asked)' was asked for, it is for view01.domain.local, *.pool.local, 192.0.2.11; "
        + "its SHA-256 fingerprint is \(good.facts.fingerprint)")
  }

  @Test func `a certificate with a common name only is refused, with advice in the log (RFC 9525 §2)`() throws {
    let root = CertificateFactory.authority("Our Root")
    let bare = CertificateFactory.make(name.text, signedBy: root)
    let client = try Contexts.trusting(root.pair().certificatePEM())
    let failure = try failure(of: bare.pair(), client, name: name)
    #expect(failure?.refusal?.reason == "hostname mismatch")
    #expect(
      failure?.description.contains(
        "it has no subjectAltName, and a common name does not count (RFC 9525): have it issued with subjectAltName "
          + "'\(name.text)', or pin it by its fingerprint (`trust: { fingerprint: … }`); its SHA-256 fingerprint is")
        == true)
    #expect(try self.failure(of: CertificateFactory.leaf(name.text, signedBy: root).pair(), client, name: name) == nil)
    let pinning = try ClientContext(trust: .fingerprints([bare.pair().facts.fingerprint]))
    #expect(try self.failure(of: bare.pair(), pinning, name: name) == nil)
  }

  @Test func `contexts are equivalent if they trust the same certificates, whatever the file names`() throws {
    let other = try SelfSigned.make(for: ["Another Authority"], authority: true)
    let (ours, theirs) = (try authority.certificatePEM(), try other.certificatePEM())
    let trusting = try Contexts.trusting(ours)
    #expect(trusting.isEquivalent(to: trusting))
    #expect(try trusting.isEquivalent(to: Contexts.trusting(ours)))
    #expect(try Contexts.trusting(ours + theirs).isEquivalent(to: Contexts.trusting(theirs + ours)))
    #expect(try !trusting.isEquivalent(to: Contexts.trusting(theirs)))
    #expect(try !trusting.isEquivalent(to: Contexts.trusting(ours + theirs)))
    let pinning = try ClientContext(trust: .fingerprints([good.facts.fingerprint]))
    #expect(try pinning.isEquivalent(to: ClientContext(trust: .fingerprints([good.facts.fingerprint]))))
    #expect(try !pinning.isEquivalent(to: ClientContext(trust: .fingerprints([other.facts.fingerprint]))))
    #expect(
      try !pinning.isEquivalent(to: ClientContext(trust: .insecureNoVerification))
        && !trusting.isEquivalent(to: pinning))
  }

  @Test func `an expired certificate is refused`() throws {
    let old = try SelfSigned.make(for: [name.text], signedBy: authority, validity: -7200 ... -3600)
    let failure = try failure(of: old, trustingOurs(), name: name)
    #expect(failure?.refusal?.reason == "certificate has expired")
    #expect(failure?.refusal?.certificate == old.facts)
    #expect(old.facts.notAfter - old.facts.notBefore == .hours(1))
  }

  @Test func `a certificate that is not valid yet is refused`() throws {
    let early = try SelfSigned.make(for: [name.text], signedBy: authority, validity: 3600...7200)
    #expect(try failure(of: early, trustingOurs(), name: name)?.refusal?.reason == "certificate is not yet valid")
  }

  @Test func `an unknown authority is refused, and the log names it`() throws {
    let root = try SelfSigned.make(for: ["Their Root"], authority: true)
    let unknown = try SelfSigned.make(for: ["Their Authority"], signedBy: root, authority: true)
    let theirs = try SelfSigned.make(for: [name.text], signedBy: unknown)
    let failure = try failure(of: theirs, trustingOurs(), name: name)
    #expect(failure?.refusal?.depth == 1)
    #expect(failure?.refusal?.certificate?.subject == "CN=Their Authority")
    #expect(failure?.refusal?.reason == "unable to get local issuer certificate")
    #expect(failure?.refusal?.pin == theirs.facts.fingerprint)
  }

  @Test func `an authority whose issuer is not an authority is refused`() throws {
    let leaf = try SelfSigned.make(for: ["leaf"], signedBy: authority)
    let below = try SelfSigned.make(for: [name.text], signedBy: leaf)
    #expect(try failure(of: below, trustingOurs(), name: name)?.refusal?.depth == 1)
  }

  @Test func `a self-signed server certificate is trusted if it is the configured authority`() throws {
    let own = try SelfSigned.make(for: [name.text])
    let client = try Contexts.trusting(own.certificatePEM())
    #expect(try failure(of: own, client, name: name) == nil)
    #expect(try failure(of: own, client, name: ReferenceIdentity("other"))?.refusal?.reason == "hostname mismatch")
    #expect(try failure(of: own, trustingOurs(), name: name)?.refusal?.reason == "self-signed certificate")
  }

  @Test func `without a name any certificate of the authority is accepted`() throws {
    #expect(try failure(of: good, trustingOurs(), name: .none) == nil)
  }

  @Test func `the pinned certificate is accepted whatever its name, issuer and dates`() throws {
    let old = try SelfSigned.make(for: ["elsewhere"], validity: -7200 ... -3600)
    let client = try ClientContext(trust: .fingerprints([good.facts.fingerprint, old.facts.fingerprint]))
    #expect(try failure(of: old, client, name: name) == nil)
    #expect(try failure(of: good, client, name: name) == nil)
  }

  @Test func `a certificate other than the pinned one is refused, and the log has its fingerprint`() throws {
    let client = try ClientContext(trust: .fingerprints([authority.facts.fingerprint]))
    let failure = try failure(of: good, client, name: name)
    #expect(failure?.blame == .verification)
    #expect(failure?.refusal?.pin == good.facts.fingerprint)
    #expect(failure?.description.contains("its fingerprint is none of the pinned ones") == true)
  }

  @Test func `without verification any certificate is accepted`() throws {
    let old = try SelfSigned.make(for: ["elsewhere"], validity: -7200 ... -3600)
    #expect(try failure(of: old, ClientContext(trust: .insecureNoVerification), name: name) == nil)
  }

  @Test func `the system's trust store refuses an unknown authority`() throws {
    #expect(try failure(of: good, ClientContext(trust: .system), name: name)?.blame == .verification)
  }

  @Test func `the server gets an alert that its certificate was refused`() throws {
    var tlsPair = try TLSPair(Contexts.server(good), ClientContext(trust: .fingerprints([authority.facts.fingerprint])))
    #expect(tlsPair.serverFailure()?.description == #"the peer sent the alert "bad certificate""#)
  }

  @Test func `a trust file without a certificate is refused`() throws {
    #expect(throws: TLSError.noCertificate(origin: "/dev/null")) {
      try ClientContext(trust: .authority(file: "/dev/null"))
    }
    #expect(throws: TLSError.noFingerprint) { try ClientContext(trust: .fingerprints([])) }
    #expect(throws: TLSError.unreadable(path: "/nonexistent/ca.pem", errno: 2)) {
      try ClientContext(trust: .authority(file: "/nonexistent/ca.pem"))
    }
  }

  @Test func `text of a hostile certificate is logged as one printable line`() throws {
    let pair = try CertificatePair(pem: Samples.hostile, origin: "hostile")
    let failure = try failure(of: pair, trustingOurs(), name: name)
    #expect(failure?.description.utf8.allSatisfy { (0x20...0x7e).contains($0) } == true)
  }
}
