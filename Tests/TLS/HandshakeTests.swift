import Linux
import TLS
import Testing

struct HandshakeTests {
  @Test(arguments: [TLSProfile.modern, .intermediate, .legacy])
  func `two ends agree on the newest version that both may speak`(profile: TLSProfile) throws {
    var duo = try Duo(Contexts.server(profile: profile), Contexts.trusting())
    duo.establish()
    #expect((duo.server.protocolVersion, duo.client.protocolVersion) == (.tls13, .tls13))
    #expect((duo.server.cipherName) == "TLS_AES_128_GCM_SHA256")
    #expect((duo.server.resumed) == false)
  }

  @Test func `bytes written on one end are read on the other, both ways`() throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting())
    duo.establish()
    #expect(duo.client.writeSome("ping") == 4)
    duo.look()
    #expect(duo.server.readOnce() == .bytes(Array("ping".utf8)))
    #expect(duo.server.writeSome("pong") == 4)
    duo.look()
    #expect(duo.client.readOnce() == .bytes(Array("pong".utf8)))
    #expect(duo.client.readOnce() == .wouldBlock)
  }

  @Test func `a handshake goes through a socket that takes few bytes at a time`() throws {
    let authority = try SelfSigned.make(for: ["Authority"], authority: true)
    let names = (0..<300).map { "a-rather-long-name-\($0).domain.local" }
    let big = try SelfSigned.make(for: names, signedBy: authority)
    var duo = try Duo(Contexts.server(big), Contexts.trusting(), buffer: 1)
    duo.establish()
    #expect(duo.client.peerFingerprint == big.facts.fingerprint)
  }

  @Test func `the client knows whom it met`() throws {
    let pair = try SelfSigned.make(for: ["view.domain.local", "192.0.2.1", "2001:db8::1"])
    var duo = try Duo(Contexts.server(pair), Contexts.trusting(), name: ServerName("view.domain.local"))
    duo.establish()
    #expect(duo.client.peerFingerprint == pair.facts.fingerprint)
    #expect(duo.client.peerCertificate == pair.facts)
    #expect(duo.client.peerCertificate?.names == ["view.domain.local"])
    #expect(duo.client.peerCertificate?.addresses == ["192.0.2.1", "2001:db8::1"])
    #expect(duo.server.peerFingerprint == nil)
    #expect(duo.server.serverNameIndication == "view.domain.local")
  }

  @Test func `an address is never sent as a server name (RFC 6066 §3)`() throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting(), name: ServerName("192.0.2.1"))
    duo.establish()
    #expect(duo.server.serverNameIndication == nil)
  }

  @Test func `OpenSSL takes its memory through the block cache`() throws {
    _ = try Contexts.trusting()
    #expect(opensslUsesBlockCache)
    #expect(opensslVersion.hasPrefix("OpenSSL 3."))
  }
}
