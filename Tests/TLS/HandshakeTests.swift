import Domain
import Linux
import TLS
import Testing

struct HandshakeTests {
  @Test(arguments: [TLSProfile.modern, .intermediate, .legacy])
  func `both sides negotiate the newest version that both support`(profile: TLSProfile) throws {
    var tlsPair = try TLSPair(Contexts.server(profile: profile), Contexts.trusting())
    tlsPair.establish()
    #expect((tlsPair.server.protocolVersion, tlsPair.client.protocolVersion) == (.tls13, .tls13))
    #expect((tlsPair.server.cipherName) == "TLS_AES_128_GCM_SHA256")
    #expect((tlsPair.server.resumed) == false)
  }

  @Test func `bytes written by either side are read by the other`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    #expect(tlsPair.client.writeSome("ping") == 4)
    tlsPair.look()
    #expect(tlsPair.server.readOnce() == .bytes(Array("ping".utf8)))
    #expect(tlsPair.server.writeSome("pong") == 4)
    tlsPair.look()
    #expect(tlsPair.client.readOnce() == .bytes(Array("pong".utf8)))
    #expect(tlsPair.client.readOnce() == .wouldBlock)
  }

  @Test func `a handshake completes through a small socket buffer`() throws {
    let authority = try SelfSigned.make(for: ["Authority"], authority: true)
    let names = (0..<300).map { "a-rather-long-name-\($0).domain.local" }
    let big = try SelfSigned.make(for: names, signedBy: authority)
    var tlsPair = try TLSPair(Contexts.server(big), Contexts.trusting(), buffer: 1)
    tlsPair.establish()
    #expect(tlsPair.client.peerFingerprint == big.facts.fingerprint)
  }

  @Test func `the client has the facts of the server's certificate`() throws {
    let pair = try SelfSigned.make(for: ["view.domain.local", "192.0.2.1", "2001:db8::1"])
    var tlsPair = try TLSPair(Contexts.server(pair), Contexts.trusting(), name: ReferenceIdentity("view.domain.local"))
    tlsPair.establish()
    #expect(tlsPair.client.peerFingerprint == pair.facts.fingerprint)
    #expect(tlsPair.client.peerCertificate == pair.facts)
    #expect(tlsPair.client.peerCertificate?.names == ["view.domain.local"])
    #expect(tlsPair.client.peerCertificate?.addresses == ["192.0.2.1", "2001:db8::1"])
    #expect(tlsPair.server.peerFingerprint == nil)
    #expect(tlsPair.server.serverNameIndication == "view.domain.local")
  }

  @Test func `an address is never sent as a server name (RFC 6066 §3)`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting(), name: ReferenceIdentity("192.0.2.1"))
    tlsPair.establish()
    #expect(tlsPair.server.serverNameIndication == nil)
  }

  @Test func `OpenSSL allocates its memory from the block cache`() throws {
    _ = try Contexts.trusting()
    #expect(opensslUsesBlockCache)
    #expect(opensslVersion.hasPrefix("OpenSSL 3."))
  }
}
