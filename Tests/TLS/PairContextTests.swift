import Domain
import Linux
import Testing

@testable import TLS

/// Connections between nodes of a pair, over a socket pair.
struct PairContextTests {
  private static let first = String(repeating: "0b", count: 32)
  private static let second = String(repeating: "a7", count: 32)

  private static func secrets(_ lines: String...) throws -> PairSecrets {
    try PairSecrets(parsing: Array(lines.joined(separator: "\n").utf8).span)
  }

  /// The two ends of a connection, and their sockets.
  private struct Ends: ~Copyable {
    var server: TLSConnection
    var client: TLSConnection
    private let sockets: SocketPair

    init(
      server makeServer: (Int32) throws -> TLSConnection, client makeClient: (Int32) throws -> TLSConnection
    ) throws {
      let sockets = SocketPair()
      let server = try makeServer(sockets.left)
      let client = try makeClient(sockets.right)
      self.server = server
      self.client = client
      self.sockets = sockets
    }

    mutating func look() {
      server.became(readiness(of: sockets.left))
      client.became(readiness(of: sockets.right))
    }

    /// Whether the server's and the client's handshake succeeded.
    mutating func handshake() -> (server: Bool, client: Bool) {
      var done = (server: false, client: false)
      for _ in 0..<8 {
        look()
        if case .done = client.handshake() { done.client = true }
        look()
        if case .done = server.handshake() { done.server = true }
      }
      return done
    }

    /// Bytes pending at the client.
    var unread: [UInt8] { receiveRaw(from: sockets.right) }
  }

  private static func ends(_ accepted: PairSecrets, _ offered: PairSecrets, at index: Int = 0) throws -> Ends {
    let server = try PairContext(accepting: accepted)
    let client = try PairContext(offering: offered, at: index)
    return try Ends(
      server: { try TLSConnection($0, context: server) }, client: { try TLSConnection($0, context: client) })
  }

  @Test func `nodes with the same secret connect with TLS 1.3, without certificate or ticket`() throws {
    var ends = try Self.ends(Self.secrets(Self.first), Self.secrets(Self.first))
    #expect(ends.handshake() == (true, true))
    #expect(ends.client.protocolVersion == .tls13)
    #expect(ends.client.cipherName == "TLS_AES_128_GCM_SHA256")
    #expect(ends.client.peerFingerprint == nil)
    // A ticket would be pending here.
    #expect(ends.unread.isEmpty)
  }

  @Test func `a ClientHello shows the secret, before the handshake has ended`() throws {
    for (offered, isKnown) in [(Self.first, true), (Self.second, false)] {
      var ends = try Self.ends(Self.secrets(Self.first), Self.secrets(offered))
      let before = ends.server.hasPresharedKey
      ends.look()
      _ = ends.client.handshake()
      ends.look()
      let isDone = if case .done = ends.server.handshake() { true } else { false }
      let after = ends.server.hasPresharedKey
      #expect(!before && !isDone && after == isKnown)
    }
  }

  @Test func `bytes are transferred in both directions`() throws {
    var ends = try Self.ends(Self.secrets(Self.first), Self.secrets(Self.first))
    #expect(ends.handshake() == (true, true))
    #expect(ends.client.writeSome("ping") == 4)
    ends.look()
    #expect(ends.server.readOnce() == .bytes(Array("ping".utf8)))
    #expect(ends.server.writeSome("pong") == 4)
    ends.look()
    #expect(ends.client.readOnce() == .bytes(Array("pong".utf8)))
  }

  @Test(arguments: [([first, second], [first], 0), ([first, second], [second], 0), ([second], [first, second], 1)])
  func `during a change of the secret both secrets are accepted`(accepted: [String], offered: [String], index: Int)
    throws
  {
    var ends = try Self.ends(
      Self.secrets(accepted.joined(separator: "\n")), Self.secrets(offered.joined(separator: "\n")), at: index)
    #expect(ends.handshake() == (true, true))
  }

  @Test func `a context serves many connections`() throws {
    let server = try PairContext(accepting: Self.secrets(Self.first))
    let client = try PairContext(offering: Self.secrets(Self.first), at: 0)
    for _ in 0..<3 {
      var ends = try Ends(
        server: { try TLSConnection($0, context: server) }, client: { try TLSConnection($0, context: client) })
      #expect(ends.handshake() == (true, true))
    }
  }

  @Test func `another secret is refused by both sides`() throws {
    var ends = try Self.ends(Self.secrets(Self.first), Self.secrets(Self.second))
    #expect(ends.handshake() == (false, false))
  }

  @Test(arguments: [TLSVersion.tls13, .tls12])
  func `a client without a secret is refused`(version: TLSVersion) throws {
    let server = try PairContext(accepting: Self.secrets(Self.first))
    let client = try Contexts.trusting(limitedTo: version)
    var ends = try Ends(
      server: { try TLSConnection($0, context: server) },
      client: { try TLSConnection(connecting: $0, context: client, serverName: .none) })
    #expect(ends.handshake() == (false, false))
  }

  @Test(arguments: [TLSProfile.modern, .legacy])
  func `a server that presents a certificate instead is refused`(profile: TLSProfile) throws {
    let server = try Contexts.server(profile: profile)
    let client = try PairContext(offering: Self.secrets(Self.first), at: 0)
    var ends = try Ends(
      server: { try TLSConnection(accepting: $0, context: server) },
      client: { try TLSConnection($0, context: client) })
    #expect(ends.handshake() == (false, false))
  }
}
