import Domain
import Testing

@testable import TLS

struct ServerNameTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let sent: String?
    let certificate: Int
    var testDescription: String { "\(sent ?? "no name") → certificate \(certificate)" }
  }

  /// 0: view, broker; 1: *.domain.local; 2: a.domain.local.
  static let cases = [
    Case(sent: nil, certificate: 0),
    Case(sent: "view.domain.local", certificate: 0),
    Case(sent: "VIEW.Domain.Local", certificate: 0),
    Case(sent: "broker.domain.local", certificate: 0),
    Case(sent: "a.domain.local", certificate: 2),
    Case(sent: "b.domain.local", certificate: 1),
    Case(sent: "b.c.domain.local", certificate: 0),
    Case(sent: "domain.local", certificate: 0),
    Case(sent: "elsewhere.example", certificate: 0),
  ]

  @Test(arguments: cases)
  func `the certificate is chosen by exact name, then wildcard, then the first (RFC 6066 §3)`(case: Case) throws {
    let certificates = [
      try SelfSigned.make(for: ["view.domain.local", "broker.domain.local"]),
      try SelfSigned.make(for: ["*.domain.local"]),
      try SelfSigned.make(for: ["a.domain.local"]),
    ]
    let front = try ServerContext(certificates: certificates, profile: .intermediate, tickets: nil)
    let name = `case`.sent.map { ReferenceIdentity(kind: .host, text: $0) } ?? .none
    var tlsPair = try TLSPair(front, Contexts.trusting(), name: name)
    tlsPair.establish()
    #expect((tlsPair.client.peerFingerprint) == certificates[`case`.certificate].facts.fingerprint)
  }

  @Test func `an RSA and an ECDSA certificate serve the same name`() throws {
    let ecdsa = try SelfSigned.make(for: ["view.domain.local"])
    let rsa = try CertificatePair(pem: Samples.rsa, origin: "rsa")
    let front = try ServerContext(certificates: [rsa, ecdsa], profile: .intermediate, tickets: nil)
    let name = try ReferenceIdentity("view.domain.local")
    for (cipher, pair) in [("ECDHE-RSA-AES128-GCM-SHA256", rsa), ("ECDHE-ECDSA-AES128-GCM-SHA256", ecdsa)] {
      for name in [name, .none] {
        var tlsPair = try TLSPair(front, Contexts.offering(cipher), name: name)
        tlsPair.establish()
        #expect((tlsPair.client.peerFingerprint) == pair.facts.fingerprint)
        #expect((tlsPair.server.cipherName) == cipher)
      }
    }
  }

  @Test func `certificates that share a name form a set`() {
    let selection = CertificateSelection([
      (["a", "b"], .rsa), (["b", "c"], .ecdsa), (["a"], .rsa), (["*.d", "b"], .ecdsa), ([], .rsa),
    ])
    func members(_ name: String?) -> [Int] { selection.sets[selection.set(for: name)] }
    #expect(members(nil) == [0])
    #expect(members("a") == [0])
    #expect(members("b") == [0, 1])
    #expect(members("c") == [1])
    #expect(members("x.d") == [3])
    #expect(members("d") == [0])
    #expect(members(".d") == [0])
    #expect(members("") == [0])
  }

  @Test(arguments: [
    ("view.domain.local", ReferenceIdentity.Kind.host, "view.domain.local"),
    ("View.Domain.Local.", .host, "view.domain.local"),
    ("under_score", .host, "under_score"),
    ("192.0.2.1", .address, "192.0.2.1"),
    ("2001:db8::1", .address, "2001:db8::1"),
  ])
  func `a server name is a host name or an address`(text: String, kind: ReferenceIdentity.Kind, name: String) throws {
    let parsed = try ReferenceIdentity(text)
    #expect(parsed.kind == kind)
    #expect(parsed.text == name)
  }

  @Test(arguments: [
    "", ".", "a..b", "a b", "a,DNS:b", "a\0b", "*.a", "http://a", "[2001:db8::1]", "ä", "a:443",
    String(repeating: "a", count: 64), Array(repeating: "abcdefghi", count: 26).joined(separator: "."),
  ])
  func `an invalid server name is refused`(text: String) {
    #expect(throws: TLSError.badServerName(text)) { try ReferenceIdentity(text) }
  }
}

struct ApplicationProtocolTests {
  @Test(arguments: [
    (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (["http/1.0", "http/1.1"], "http/1.1"),
    (["http/1.0"], "http/1.0"), ([], nil as String?),
  ])
  func `HTTP 1.1 is chosen when it is offered, else 1.0`(offers: [String], chosen: String?) throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.offering(protocols: offers))
    tlsPair.establish()
    #expect((tlsPair.server.applicationProtocol) == chosen)
    #expect((tlsPair.client.applicationProtocol) == chosen)
  }

  @Test(arguments: [["h2"], ["http/0.9", "spdy/3"], ["http/1.10"], ["http/1."]])
  func `a client that offers only other protocols is refused (RFC 7301 §3.2)`(offers: [String]) throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.offering(protocols: offers))
    let failure = tlsPair.serverFailure()
    #expect(failure?.blame == .peer)
    #expect(failure?.description == "no application protocol")
    #expect(tlsPair.clientFailure()?.description == #"the peer sent the alert "no application protocol""#)
  }
}
