import Linux
import TLS

/// The bytes of a client's connection, with TLS or without. Never blocks.
struct ObserverStream: ~Copyable {
  /// What a call has achieved.
  enum Progress {
    case done
    /// Wait for an event.
    case wouldBlock
    /// There is more to do, and no event will say so.
    case yield
    case failed
  }

  enum Incoming {
    case bytes([UInt8])
    case wouldBlock, yield
    /// The client has closed its direction.
    case ended
  }

  private let descriptor: Descriptor
  /// Why the handshake has failed.
  private(set) var failure: TLSFailure?
  /// Nil for plain TCP. It borrows the descriptor.
  private var tls: TLSConnection?

  /// Without a context: plain TCP.
  init(_ descriptor: consuming Descriptor, tls context: ServerContext?) throws(TLSError) {
    tls = nil
    if let context { tls = try TLSConnection(accepting: descriptor.number, context: context) }
    self.descriptor = descriptor
  }

  func watch(_ poller: borrowing Poller, token: UInt64) throws(SystemError) {
    try poller.watch(descriptor, token: token)
  }

  /// Passes the readiness that the poller reported. Plain sockets are asked themselves.
  mutating func became(_ readiness: Readiness) { tls?.became(readiness) }

  /// Continues the handshake.
  mutating func handshake() -> Progress {
    switch tls?.handshake() {
    case nil, .done: .done
    case .wantsRead, .wantsWrite: .wouldBlock
    case .yield: .yield
    case .failed(let failure): fail(failure)
    }
  }

  /// Goes on without TLS, if the client has sent a request of HTTP in clear.
  mutating func continuePlainly() -> Bool {
    guard failure?.cause == .plainHTTP else { return false }
    tls = nil
    return true
  }

  private mutating func fail(_ failure: TLSFailure) -> Progress {
    self.failure = failure
    return .failed
  }

  /// Reads at most `limit` bytes.
  mutating func receive(limit: Int) -> Incoming {
    guard tls != nil else {
      switch LocalSocket.receive(from: descriptor, limit: limit) {
      case .bytes(let bytes): return .bytes(bytes)
      case .nothing: return .wouldBlock
      case .ended: return .ended
      }
    }
    var bytes: [UInt8] = []
    var result = TLSReadResult.wouldBlock
    bytes.append(addingCapacity: limit) { output in result = tls?.read(into: &output) ?? .closed }
    switch result {
    case .bytes: return .bytes(bytes)
    case .wouldBlock: return .wouldBlock
    case .yield: return .yield
    case .closed, .truncated, .failed: return .ended
    }
  }

  /// Sends some of the bytes, and says how many through `count`. After `wouldBlock`, the same bytes come first again.
  mutating func send(_ bytes: Span<UInt8>, count: inout Int) -> Progress {
    guard tls != nil else {
      switch Socket.write(descriptor.number, bytes) {
      case .bytes(let written): count = written
      case .wouldBlock: return .wouldBlock
      case .failed: return .failed
      }
      return .done
    }
    switch tls?.write(bytes) {
    case .bytes(let written): count = written
    case .wouldBlock: return .wouldBlock
    case .failed, nil: return .failed
    }
    return .done
  }

  /// Closes our direction; reading continues.
  mutating func end() -> Progress {
    switch tls?.sendCloseNotify() {
    case .wouldBlock: return .wouldBlock
    case nil, .sent, .failed: break
    }
    Socket.shutdownWrite(descriptor.number)
    return .done
  }
}
