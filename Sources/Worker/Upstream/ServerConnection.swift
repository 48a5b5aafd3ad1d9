import Balancing
import Configuration
import Domain
import Linux
import TLS
import Wire

/// A connection to a Connection Server: connecting, carrying an exchange, or idle in a pool.
struct ServerConnection: ~Copyable {
  enum Phase: Equatable {
    /// Waiting for the TCP connection.
    case connecting
    case handshaking
    case open
    /// Idle in its loop's pool.
    case pooled
    /// Our direction has ended; the server has a short time to close the connection (`LoopContext.close`).
    case ending
  }

  var side: RelaySide
  /// The server's index in the snapshot.
  let server: Int
  let snapshot: ServiceSnapshot
  /// The PROXY protocol header that the connection begins with. It names one client, so the connection is not shared.
  let proxyHeader: [UInt8]?
  /// Whether the connection has no TLS of ours: its bytes are relayed without being parsed.
  let isPlain: Bool
  var phase = Phase.connecting
  /// The request that it carries, or the last one of the client that it is kept for.
  var request: RequestKey?
  /// When it last became idle.
  var idleSince: Instant
  /// Whether it has carried a complete exchange before.
  var hasServed = false
  /// The instant for which the timer is armed.
  var armed = Instant.distantFuture
  /// Whether the session for the next connection has been taken.
  private(set) var hasGivenSession = false

  /// Whether it is connected to this server, which another snapshot may know under another index.
  func leads(to index: Int, of other: ServiceSnapshot) -> Bool {
    if snapshot === other { return server == index }
    let mine = snapshot.servers[server]
    let theirs = other.servers[index]
    return mine.identity == theirs.identity && mine.security.serverName == theirs.security.serverName
      && mine.security.context.isEquivalent(to: theirs.security.context)
      && mine.sendsProxyHeader == theirs.sendsProxyHeader
  }

  /// The server's pool in its loop.
  var pool: Int { snapshot.firstServer + server }

  /// The server's state, shared by all snapshots.
  var shared: SharedServer { snapshot.backend.servers[server] }

  enum Progress {
    case ready
    case wait
    /// There is more to read, after other connections had their turn.
    case yield
    /// The failure, for the log, with the reason if the certificate was rejected.
    case failed(String)
    /// The exhausted local resource, for the log.
    case short(String)

    /// The result for the server after a failed TLS handshake.
    init(of failure: TLSFailure) {
      let reason = "TLS handshake: \(failure.description)"
      self = failure.blame == .system ? .short(reason) : .failed(reason)
    }
  }

  /// Continues connecting as far as possible without blocking. The session stays in place: with TLS 1.2 a session can
  /// be resumed any number of times, and OpenSSL marks a TLS 1.3 session that can not be used again.
  mutating func connect(resuming session: inout TLSSession?, through bio: SocketBIO) -> Progress {
    if phase == .connecting {
      guard side.stream.isSettled else { return .wait }
      let code = Socket.error(of: side.stream.descriptor.number)
      guard code == 0 else {
        let reason = "connect: " + SystemError.words(for: code)
        return ConnectFault(errno: code) == .shortage ? .short(reason) : .failed(reason)
      }
      // It always fits into an empty socket, unless TCP has no memory (net.ipv4.tcp_mem).
      if let proxyHeader {
        switch side.stream.write(proxyHeader.span) {
        case .bytes(proxyHeader.count): break
        case .wouldBlock: return .short("no memory for the PROXY protocol header")
        case .bytes, .broken: return .failed("the PROXY protocol header could not be sent")
        }
      }
      if isPlain {
        phase = .open
        return .ready
      }
      let security = snapshot.servers[server].security
      do throws(TLSError) {
        try side.stream.startTLS(
          context: security.context, serverName: security.serverName, session: session, through: bio)
      } catch {
        // Nothing has been sent yet: OpenSSL has no memory.
        return .short("TLS: \(error)")
      }
      phase = .handshaking
    }
    switch side.stream.tls?.handshake() {
    case .done, nil:
      phase = .open
      return .ready
    case .wantsRead, .wantsWrite: return .wait
    case .yield: return .yield
    case .failed(let failure): return Progress(of: failure)
    }
  }

  /// Stores the session for the next connection, once; TLS 1.3 sends it after the handshake.
  mutating func giveSession(to cache: inout TLSSession?) {
    guard let session = side.stream.tls?.takeSession() else { return }
    hasGivenSession = true
    cache = consume session
  }

  /// Whether nothing but TLS messages (a session ticket) were received since the last response. False when the server
  /// closed the connection or sent data without a request; the connection must not be used then.
  mutating func isStillIdle(_ buffers: inout BufferPool) -> Bool {
    guard side.input.isEmpty else { return false }
    guard side.stream.mayRead else { return true }
    return side.receive(&buffers) == .wouldBlock
  }

  mutating func becomeIdle(_ buffers: inout BufferPool, at now: Instant) {
    side.giveBackBuffers(to: &buffers)
    phase = .pooled
    request = nil
    idleSince = now
  }

  /// What remains to be done for a connection that we end.
  enum Ending {
    /// It can be closed.
    case over
    /// The server is to close it first.
    case waitsForServer
  }

  /// Ends our direction, as far as possible without blocking.
  mutating func end(_ buffers: inout BufferPool) -> Ending {
    side.giveBackBuffers(to: &buffers)
    switch phase {
    case .connecting, .handshaking:
      side.stream.abort()
      return .over
    case .open, .pooled:
      return side.stream.announceEnd() ? .waitsForServer : .over
    case .ending:
      return .waitsForServer
    }
  }
}
