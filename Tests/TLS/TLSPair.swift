import Glibc
import Linux
import TLS
import Testing

/// A server connection and a client connection over one socket pair, both driven by the test's thread.
struct TLSPair: ~Copyable {
  var server: TLSConnection
  var client: TLSConnection
  private let sockets: SocketPair

  /// How the two handshakes ended.
  enum Outcome {
    case done
    case serverFailed(TLSFailure)
    case clientFailed(TLSFailure)
    /// Neither side can proceed.
    case stalled
  }

  init(
    _ front: ServerContext, _ back: ClientContext, name: ReferenceIdentity = .none,
    session: borrowing TLSSession? = nil,
    buffer: Int32 = 0
  ) throws {
    let sockets = SocketPair(buffer: buffer)
    let server = try TLSConnection(accepting: sockets.left, context: front)
    let client = try TLSConnection(connecting: sockets.right, context: back, serverName: name, session: session)
    self.server = server
    self.client = client
    self.sockets = sockets
  }

  var serverDescriptor: Int32 { sockets.left }
  var clientDescriptor: Int32 { sockets.right }

  /// Reports the readiness of their sockets to both connections.
  mutating func look() {
    server.became(readiness(of: sockets.left))
    client.became(readiness(of: sockets.right))
  }

  /// Drives both handshakes until they end, and lets the client read the tickets that follow.
  mutating func handshake() -> Outcome {
    var serverDone = false
    var clientDone = false
    // A full handshake takes three rounds; tiny buffers make them many.
    for _ in 0..<10_000 {
      look()
      if !clientDone {
        switch client.handshake() {
        case .done: clientDone = true
        case .failed(let failure):
          // The alert reaches the server.
          look()
          return .clientFailed(failure)
        case .wantsRead, .wantsWrite, .yield: break
        }
      }
      look()
      if !serverDone {
        switch server.handshake() {
        case .done: serverDone = true
        case .failed(let failure): return .serverFailed(failure)
        case .wantsRead, .wantsWrite, .yield: break
        }
      }
      if serverDone && clientDone {
        look()
        _ = client.readOnce()
        return .done
      }
    }
    return .stalled
  }

  /// Performs the handshake, and records an issue if it fails.
  mutating func establish(sourceLocation: SourceLocation = #_sourceLocation) {
    switch handshake() {
    case .done: break
    case .serverFailed(let failure): Issue.record("server: \(failure)", sourceLocation: sourceLocation)
    case .clientFailed(let failure): Issue.record("client: \(failure)", sourceLocation: sourceLocation)
    case .stalled: Issue.record("neither end goes on", sourceLocation: sourceLocation)
    }
  }

  /// The client's failure, after its handshake failed.
  mutating func clientFailure() -> TLSFailure? {
    if case .clientFailed(let failure) = handshake() { return failure }
    return nil
  }

  /// The server's failure, after its handshake failed or it received the client's alert.
  mutating func serverFailure() -> TLSFailure? {
    if case .serverFailed(let failure) = handshake() { return failure }
    look()
    if case .failed(let failure) = server.handshake() { return failure }
    return nil
  }

  /// Closes the client's socket without close_notify, as a dead client does.
  func breakClient() { shutdown(sockets.right, Int32(SHUT_RDWR)) }

  /// Shuts the client's direction down without close_notify.
  func cutClient() { shutdown(sockets.right, Int32(SHUT_WR)) }
}

/// The result of a read, comparable.
enum Reading: Equatable {
  case bytes([UInt8])
  case wouldBlock, yield, closed, truncated
  case failed(String)
}

extension TLSConnection {
  /// One read of at most `limit` bytes.
  mutating func readOnce(limit: Int = 1 << 14) -> Reading {
    var result = TLSReadResult.wouldBlock
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      var output = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
      result = read(into: &output)
      count = unsafe output.finalize(for: buffer)
    }
    switch result {
    case .bytes(let count):
      #expect(count == bytes.count)
      return .bytes(bytes)
    case .wouldBlock: return .wouldBlock
    case .yield: return .yield
    case .closed: return .closed
    case .truncated: return .truncated
    case .failed(let failure): return .failed(failure.description)
    }
  }

  /// Writes as much as the socket takes; returns the number of bytes.
  mutating func writeSome(_ bytes: ArraySlice<UInt8>) -> Int {
    if case .bytes(let count) = write(bytes.span) { return count }
    return 0
  }

  mutating func writeSome(_ text: String) -> Int { writeSome(ArraySlice(text.utf8)) }
}
