import Domain
import Linux
import Testing
import Wire

@testable import TLS

/// Names of TLS that are set apart from a profile.
struct PolicyTests {
  private static func restricted(_ change: (inout TLSRestrictions) -> Void) -> TLSRestrictions {
    var restrictions = TLSRestrictions()
    change(&restrictions)
    return restrictions
  }

  private static func front(
    _ certificates: [CertificatePair], _ restrictions: TLSRestrictions, profile: TLSProfile = .intermediate,
    tickets: TicketKeys? = nil
  ) throws -> ServerContext {
    try ServerContext(
      certificates: certificates, policy: TLSPolicy(profile, restrictions), names: nil, tickets: tickets)
  }

  private static func rsa() throws -> CertificatePair { try CertificatePair(pem: Samples.rsa, origin: "rsa.pem") }
  private static func ecdsa() throws -> CertificatePair { try SelfSigned.make(for: ["view.domain.local"]) }

  @Test func `the ciphers are those that are named, in their order`() throws {
    let restrictions = Self.restricted {
      $0.ciphers = [.ecdheRSAWithAES256GCM, .ecdheECDSAWithAES256SHA384, .rsaWithAES128SHA]
      $0.cipherSuites = [.chaCha20, .aes256GCM]
    }
    #expect(
      try Self.front([Self.ecdsa()], restrictions).cipherNames == [
        "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES256-SHA384", "AES128-SHA",
      ])
  }

  @Test func `every name of the configuration is one of OpenSSL's`() throws {
    let all = Self.restricted {
      $0.ciphers = TLSCipher.allCases
      $0.cipherSuites = TLSCipherSuite.allCases
      $0.groups = TLSGroup.allCases
      $0.signatureAlgorithms = TLSSignatureAlgorithm.allCases
    }
    let front = try Self.front([Self.rsa()], all, profile: .old)
    #expect(front.cipherNames == TLSCipherSuite.allCases.map(\.rawValue) + TLSCipher.allCases.map(\.rawValue))
    try front.rehearse()
  }

  @Test(arguments: [(TLSGroup.p384, "P-384", true), (.p384, "P-256", false), (.p521, "P-521", true)])
  func `keys are exchanged over the named groups only`(group: TLSGroup, offered: String, accepted: Bool) throws {
    let front = try Self.front([Self.ecdsa()], Self.restricted { $0.groups = [group] })
    var tlsPair = try TLSPair(front, Contexts.offering(groups: offered))
    if accepted { tlsPair.establish() } else { #expect(tlsPair.serverFailure()?.cause == .parameters) }
  }

  @Test func `the oldest version can be raised`() throws {
    let front = try Self.front([Self.ecdsa()], Self.restricted { $0.minimumVersion = .tls13 })
    var tlsPair = try TLSPair(front, Contexts.trusting(limitedTo: .tls12))
    #expect(tlsPair.serverFailure()?.description == "unsupported protocol")
    try front.rehearse()
  }

  @Test func `restrictions apply towards servers as well`() throws {
    let back = try ClientContext(
      trust: .insecureNoVerification, policy: TLSPolicy(.intermediate, Self.restricted { $0.minimumVersion = .tls13 }))
    var refused = try TLSPair(Contexts.server(), back)
    refused.establish()
    #expect(refused.client.protocolVersion == .tls13)
    let chacha = Self.restricted { $0.cipherSuites = [.chaCha20] }
    let policy = TLSPolicy(.intermediate, chacha)
    var tlsPair = try TLSPair(Contexts.server(), ClientContext(trust: .insecureNoVerification, policy: policy))
    tlsPair.establish()
    #expect(tlsPair.server.cipherName == "TLS_CHACHA20_POLY1305_SHA256")
    #expect(try !back.isEquivalent(to: Contexts.trusting(profile: .intermediate)))
  }

  @Test(arguments: TLSGroup.allCases)
  func `a group alone leaves handshakes to both kinds of keys`(group: TLSGroup) throws {
    let restrictions = Self.restricted { $0.groups = [group] }
    for certificate in try [Self.rsa(), Self.ecdsa()] { try Self.front([certificate], restrictions).rehearse() }
  }

  @Test(arguments: TLSCipherSuite.allCases)
  func `a cipher of TLS 1.3 alone leaves handshakes to both kinds of keys`(suite: TLSCipherSuite) throws {
    let restrictions = Self.restricted { $0.cipherSuites = [suite] }
    for certificate in try [Self.rsa(), Self.ecdsa()] { try Self.front([certificate], restrictions).rehearse() }
  }

  struct Impossible: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let restrictions: TLSRestrictions
    let version: TLSVersion
    let lists: [String]
  }

  static let impossible = [
    Impossible(
      testDescription: "ciphers for ECDSA", restrictions: restricted { $0.ciphers = [.ecdheECDSAWithAES128GCM] },
      version: .tls12, lists: ["ciphers"]),
    Impossible(
      testDescription: "signatures by ECDSA",
      restrictions: restricted { $0.signatureAlgorithms = [.ecdsaP256SHA256] }, version: .tls12,
      lists: ["signature-algorithms"]),
    Impossible(
      testDescription: "signatures that TLS 1.3 lacks",
      restrictions: restricted { $0.signatureAlgorithms = [.pkcs1SHA256] }, version: .tls13,
      lists: ["signature-algorithms"]),
    Impossible(
      testDescription: "signatures by ECDSA in TLS 1.3",
      restrictions: restricted {
        $0.minimumVersion = .tls13
        $0.signatureAlgorithms = [.ecdsaP256SHA256]
      }, version: .tls13, lists: ["signature-algorithms"]),
    Impossible(
      testDescription: "each of two lists alone",
      restrictions: restricted {
        $0.ciphers = [.ecdheECDSAWithAES128GCM]
        $0.signatureAlgorithms = [.ecdsaP256SHA256]
      }, version: .tls12, lists: ["ciphers", "signature-algorithms"]),
  ]

  @Test(arguments: impossible)
  func `lists that leave an RSA certificate no handshake of an accepted version are refused`(
    _ example: Impossible
  ) throws {
    let front = try Self.front([Self.rsa()], example.restrictions)
    #expect(
      throws: TLSError.noHandshake(
        origin: "rsa.pem", key: "RSA", version: example.version, lists: example.lists)
    ) { try front.rehearse() }
  }

  @Test func `lists are accepted when another certificate of the same name has a handshake`() throws {
    let name = try Self.rsa().facts.names[0]
    let both = try [Self.rsa(), SelfSigned.make(for: [name])]
    try Self.front(both, Self.restricted { $0.ciphers = [.ecdheECDSAWithAES128GCM] }).rehearse()
    // A certificate of another name must have one itself.
    let apart = try [SelfSigned.make(for: ["other.domain.local"]), Self.rsa()]
    let front = try Self.front(apart, Self.restricted { $0.ciphers = [.ecdheECDSAWithAES128GCM] })
    #expect(throws: TLSError.self) { try front.rehearse() }
  }

  @Test func `the old profile's versions need a handshake each`() throws {
    let front = try Self.front(
      [Self.rsa()], Self.restricted { $0.ciphers = [.ecdheRSAWithAES128GCM] }, profile: .old)
    #expect(
      throws: TLSError.noHandshake(origin: "rsa.pem", key: "RSA", version: .tls10, lists: ["ciphers"])
    ) { try front.rehearse() }
  }

  private func resumes(
    _ session: borrowing TLSSession?, with front: ServerContext, _ back: ClientContext
  ) throws -> Bool {
    var again = try TLSPair(front, back, session: session)
    again.establish()
    return again.server.isResumed
  }

  @Test func `a session is not resumed under other restrictions`() throws {
    let keys = try TicketKeys(at: Clock.wall())
    let pair = try Self.ecdsa()
    let back = try Contexts.trusting(limitedTo: .tls12)
    let restrictions = Self.restricted { $0.ciphers = [.ecdheECDSAWithAES256GCM] }
    let plain = try Self.front([pair], TLSRestrictions(), tickets: keys)
    var first = try TLSPair(plain, back)
    first.establish()
    let session = first.client.takeSession()
    #expect(try resumes(session, with: plain, back))
    #expect(try !resumes(session, with: Self.front([pair], restrictions, tickets: keys), back))
    // OpenSSL takes at most 32 bytes.
    #expect(TLSPolicy(.intermediate, restrictions).sessionScope.count == 32)
  }
}

/// Names for which a client gets no handshake.
struct ServerNameRulesTests {
  private static let rules = ServerNameRules(
    refused: ["old.domain.local", "*.test.domain.local"], known: ["view.domain.local", "*.pool.domain.local"])

  @Test(arguments: [
    ("view.domain.local", true), ("VIEW.Domain.Local", true), ("view.domain.local.", true),
    ("a.pool.domain.local", true), ("a.b.pool.domain.local", false), ("pool.domain.local", false),
    ("old.domain.local", false), ("OLD.domain.local.", false), ("a.test.domain.local", false), ("", false),
    (".", false),
    ("192.0.2.1", false),
  ])
  func `a name is accepted if it is known and not refused`(name: String, isAccepted: Bool) {
    #expect((Self.rules?.refusal(of: Array(name.utf8)) == nil) == isAccepted)
  }

  @Test func `without a list of known names every other name is accepted, and none`() {
    let rules = ServerNameRules(refused: ["old.domain.local"], known: nil)
    #expect(rules?.refusal(of: Array("elsewhere.example".utf8)) == nil)
    #expect(rules?.refusal(of: nil) == nil)
    #expect(rules?.refusal(of: Array("old.domain.local".utf8)) != nil)
    #expect(ServerNameRules(refused: [], known: nil) == nil)
  }

  @Test func `a client's bytes are escaped and cut in the reason`() throws {
    let name = Array("\u{1b}[31m".utf8) + [0xff, 0] + [UInt8](repeating: 0x41, count: 249)
    let reason = try #require(Self.rules?.refusal(of: name))
    #expect(reason.contains("\\u{1b}[31m") && reason.utf8.count < 1000 && !reason.unicodeScalars.contains("\u{1b}"))
  }

  private func front(refused: [String] = [], known: [String]? = nil) throws -> ServerContext {
    try ServerContext(
      certificates: [SelfSigned.make(for: ["view.domain.local", "*.pool.domain.local"])], policy: TLSPolicy(),
      names: ServerNameRules(refused: refused, known: known), tickets: nil)
  }

  private static let alert = #"the peer sent the alert "unrecognized name""#

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a refused name gets an alert, and the reason is named`(version: TLSVersion) throws {
    let front = try front(refused: ["a.pool.domain.local"])
    var refused = try TLSPair(
      front, Contexts.trusting(limitedTo: version), name: ReferenceIdentity("a.pool.domain.local"))
    let failure = refused.serverFailure()
    #expect(failure?.description == "the name a.pool.domain.local is refused (tls.refuse-names)")
    #expect(failure?.cause == .name && failure?.blame == .peer)
    #expect(refused.clientFailure()?.description == Self.alert)
    for name in try [ReferenceIdentity.none, ReferenceIdentity("b.pool.domain.local")] {
      var accepted = try TLSPair(front, Contexts.trusting(limitedTo: version), name: name)
      accepted.establish()
    }
    // A traced connection is refused likewise.
    var traced = try TLSPair(
      ServerContext(reportingSecretsLike: front), Contexts.trusting(), name: ReferenceIdentity("a.pool.domain.local"))
    #expect(traced.serverFailure()?.cause == .name)
  }

  @Test func `unknown names are those of neither the service nor its certificates`() throws {
    let front = try front(known: ["extra.domain.local"])
    for name in ["view.domain.local", "a.pool.domain.local", "extra.domain.local"] {
      var accepted = try TLSPair(front, Contexts.trusting(), name: ReferenceIdentity(name))
      accepted.establish()
    }
    var unknown = try TLSPair(front, Contexts.trusting(), name: ReferenceIdentity("elsewhere.example"))
    #expect(
      unknown.serverFailure()?.description
        == "neither the service nor a certificate has the name elsewhere.example (tls.unknown-names)")
    var nameless = try TLSPair(front, Contexts.trusting())
    #expect(nameless.serverFailure()?.description == "the client asks for no name (tls.unknown-names)")
    #expect(nameless.clientFailure()?.description == Self.alert)
  }
}
