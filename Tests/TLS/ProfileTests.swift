import Domain
import Testing

@testable import TLS

struct ProfileTests {
  private static let tls13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
  private static let authenticated = [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
  ]
  private static let chained = ["ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384"]

  @Test(arguments: [
    (TLSProfile.modern, tls13 + authenticated),
    (.intermediate, tls13 + authenticated),
    (.legacy, tls13 + authenticated + chained),
  ])
  func `a profile has exactly these ciphers, in this order`(profile: TLSProfile, ciphers: [String]) throws {
    #expect(try Contexts.server(profile: profile).cipherNames == ciphers)
  }

  @Test(arguments: [TLSProfile.modern, .intermediate, .legacy])
  func `TLS 1.1 is refused (RFC 8996)`(profile: TLSProfile) throws {
    var tlsPair = try TLSPair(Contexts.server(profile: profile), Contexts.ancient())
    #expect(tlsPair.serverFailure()?.description == "unsupported protocol")
    #expect(tlsPair.clientFailure()?.blame == .peer)
  }

  @Test func `the old profile supports TLS 1.0 on both sides`() throws {
    var old = try TLSPair(Contexts.server(profile: .old), Contexts.trusting(limitedTo: .tls10, profile: .old))
    old.establish()
    #expect(old.server.protocolVersion == .tls10)
  }

  @Test func `contexts of different profiles are not equivalent`() throws {
    let plain = try Contexts.trusting(profile: .intermediate)
    #expect(try plain.isEquivalent(to: Contexts.trusting(profile: .intermediate)))
    #expect(try !plain.isEquivalent(to: Contexts.trusting(profile: .old)))
  }

  @Test func `the modern profile refuses TLS 1.2`() throws {
    var tlsPair = try TLSPair(Contexts.server(profile: .modern), Contexts.trusting(limitedTo: .tls12))
    #expect(tlsPair.serverFailure()?.description == "unsupported protocol")
  }

  @Test(arguments: [
    (TLSProfile.intermediate, "ECDHE-RSA-AES128-SHA256", false), (.legacy, "ECDHE-RSA-AES128-SHA256", true),
    (.intermediate, "ECDHE-RSA-AES256-SHA384", false), (.legacy, "ECDHE-RSA-AES256-SHA384", true),
    (.legacy, "AES128-SHA", false), (.legacy, "AES128-GCM-SHA256", false), (.legacy, "ECDHE-RSA-AES128-SHA", false),
    (.legacy, "DHE-RSA-AES128-GCM-SHA256", false), (.intermediate, "ECDHE-RSA-CHACHA20-POLY1305", true),
  ])
  func `the ciphers of old View clients work with the legacy profile only`(
    profile: TLSProfile, cipher: String, accepted: Bool
  ) throws {
    let rsa = try CertificatePair(pem: Samples.rsa, origin: "rsa")
    var tlsPair = try TLSPair(Contexts.server(rsa, profile: profile), Contexts.offering(cipher))
    guard accepted else {
      #expect(tlsPair.serverFailure()?.description == "no shared cipher")
      return
    }
    tlsPair.establish()
    #expect((tlsPair.server.cipherName) == cipher)
  }

  @Test func `the server's cipher order decides, except for a client that prefers ChaCha20`() throws {
    let rsa = try CertificatePair(pem: Samples.rsa, origin: "rsa")
    let front = try Contexts.server(rsa)
    for (offer, chosen) in [
      ("ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
      ("ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    ] {
      var tlsPair = try TLSPair(front, Contexts.offering(offer))
      tlsPair.establish()
      #expect((tlsPair.server.cipherName) == chosen)
    }
  }

  @Test(arguments: [("X25519", true), ("P-256", true), ("P-384", true), ("P-521", false), ("X448", false)])
  func `keys are exchanged over X25519, P-256 and P-384`(group: String, accepted: Bool) throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.offering(groups: group))
    if accepted {
      tlsPair.establish()
    } else {
      #expect(tlsPair.serverFailure()?.blame == .peer)
    }
  }

  @Test func `a context without a certificate is refused`() {
    #expect(throws: TLSError.noCertificatesGiven) {
      try ServerContext(certificates: [], profile: .modern, tickets: nil)
    }
  }

  @Test func `a renegotiation is refused`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting(limitedTo: .tls12))
    tlsPair.establish()
    tlsPair.client.startRenegotiation()
    tlsPair.look()
    // A no_renegotiation warning is the answer (RFC 5246 §7.2.2), and the session goes on.
    #expect(tlsPair.server.readOnce() == .wouldBlock)
    tlsPair.look()
    #expect(tlsPair.client.readOnce() == .failed("no renegotiation"))
  }
}
