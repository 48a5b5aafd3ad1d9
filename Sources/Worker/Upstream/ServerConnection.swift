import Balancing
import Configuration
import Domain
import Linux
import TLS
import Wire

/// A connection to a Connection Server: being made, carrying an exchange, or idle in a pool.
struct ServerConnection: ~Copyable {
  enum Phase: Equatable {
    /// Waiting for TCP.
    case connecting
    case handshaking
    case open
    /// Idle in its loop's pool.
    case pooled
    /// Ours has ended; the server is given a moment to close it (`LoopContext.close`).
    case ending
  }

  var side: RelaySide
  /// The server's index in the snapshot.
  let server: Int
  let snapshot: ServiceSnapshot
  /// The PROXY protocol header that it begins with. It names one client, so the connection is not shared.
  let proxyHeader: [UInt8]?
  /// Without TLS of ours: what it carries is relayed unread.
  let isPlain: Bool
  var phase = Phase.connecting
  /// The client whose exchange it carries, or whose private connection it is.
  var client: SlabKey?
  /// When it last became idle.
  var idleSince: Instant
  /// It has carried a whole exchange before.
  var hasServed = false
  /// Its timer is armed for then.
  var armed = Instant.distantFuture
  /// The session for the next connection has been taken.
  private(set) var hasGivenSession = false

  /// Whether it is a connection to this server, as far as another snapshot knows it.
  func leads(to index: Int, of other: ServiceSnapshot) -> Bool {
    if snapshot === other { return server == index }
    let mine = snapshot.servers[server]
    let theirs = other.servers[index]
    return mine.place == theirs.place && mine.security.serverName == theirs.security.serverName
      && mine.security.context.isEquivalent(to: theirs.security.context)
      && mine.sendsProxyHeader == theirs.sendsProxyHeader
  }

  /// The server's pool in its loop.
  var pool: Int { snapshot.firstServer + server }

  /// The server as every snapshot knows it.
  var shared: SharedServer { snapshot.backend.servers[server] }

  enum Progress {
    case ready
    case wait
    /// More is to be read, and others have waited long enough.
    case yield
    /// What failed, for the log, and the certificate's refusal when that was it.
    case failed(String)
    /// What this machine had too little of, for the log.
    case short(String)

    /// What a failed handshake says about the server.
    init(of failure: TLSFailure) {
      let reason = "TLS handshake: \(failure.description)"
      self = failure.blame == .system ? .short(reason) : .failed(reason)
    }
  }

  /// Goes on connecting as far as it can without waiting. The session stays where it is: TLS 1.2 resumes one as often as
  /// one likes, and OpenSSL itself says when one of TLS 1.3 is spent.
  mutating func connect(resuming session: inout TLSSession?, through bio: SocketBIO) -> Progress {
    if phase == .connecting {
      guard side.stream.isSettled else { return .wait }
      let code = Socket.error(of: side.stream.descriptor.number)
      guard code == 0 else {
        let reason = "connect: " + SystemError.words(for: code)
        return ConnectFault(errno: code) == .shortage ? .short(reason) : .failed(reason)
      }
      // It fits into an empty socket.
      if let proxyHeader, side.stream.write(proxyHeader.span) != .bytes(proxyHeader.count) {
        return .failed("the PROXY protocol header could not be sent")
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
        // Nothing has been sent yet: it is OpenSSL that has no memory.
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

  /// Keeps the session for the next connection, once; TLS 1.3 sends it behind the handshake.
  mutating func giveSession(to cache: inout TLSSession?) {
    guard let session = side.stream.tls?.takeSession() else { return }
    hasGivenSession = true
    cache = consume session
  }

  /// Nothing has come since the last answer but what belongs to TLS (a session ticket). False when the server closed
  /// the connection or spoke unasked, after which it must not be used.
  mutating func isStillIdle(_ buffers: inout BufferPool) -> Bool {
    guard side.input.isEmpty else { return false }
    guard side.stream.mayRead else { return true }
    return side.receive(&buffers) == .wouldBlock
  }

  mutating func becomeIdle(_ buffers: inout BufferPool, at now: Instant) {
    side.giveBackBuffers(to: &buffers)
    phase = .pooled
    client = nil
    idleSince = now
  }

  /// What is left to do for a connection that we end.
  enum Ending {
    /// To close it.
    case over
    /// To let the server close it first.
    case waitsForServer
  }

  /// Says goodbye, as far as that needs no waiting.
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
