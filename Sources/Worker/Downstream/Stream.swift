import Exchange
import Linux
import TLS

/// A connection's byte stream, with TLS or without: one interface to read, write and end either.
struct Stream: ~Copyable {
  let descriptor: Descriptor
  /// Nil for plain TCP.
  var tls: TLSConnection?
  /// The readiness that the poller reported for a plain socket; TLS keeps its own.
  private var plain: Readiness = []
  private var hasSentEnd = false
  /// A write failed. Bytes received before can still be read, but the end of plain TCP is no longer orderly.
  private var isBroken = false

  init(plain descriptor: consuming Descriptor) {
    self.descriptor = descriptor
    tls = nil
  }

  /// Starts TLS as server on a plain socket from which nothing was read.
  mutating func answerTLS(context: ServerContext, through bio: SocketBIO = SocketBIO()) throws(TLSError) {
    tls = try TLSConnection(accepting: descriptor.number, context: context, through: bio)
    tls?.became(plain)
  }

  /// Answers a client that speaks no TLS, and leaves the connection without it. False: it takes nothing.
  mutating func answerPlainly(_ bytes: [UInt8]) -> Bool {
    tls = nil
    return write(bytes.span) == .bytes(bytes.count)
  }

  /// Starts TLS as client on a connected plain socket.
  mutating func startTLS(
    context: ClientContext, serverName: ReferenceIdentity, session: borrowing TLSSession?,
    through bio: SocketBIO = SocketBIO()
  ) throws(TLSError) {
    tls = try TLSConnection(
      connecting: descriptor.number, context: context, serverName: serverName, session: session, through: bio)
    tls?.became(plain)
  }

  /// Starts TLS between the nodes of a pair, on either side of a plain socket from which nothing was read.
  mutating func startTLS(_ context: PairContext) throws(TLSError) {
    tls = try TLSConnection(descriptor.number, context: context)
    tls?.became(plain)
  }

  /// Passes the readiness that the poller reported.
  @inline(always)
  mutating func became(_ readiness: Readiness) {
    plain.formUnion(readiness)
    tls?.became(readiness)
  }

  /// Whether a read could return something; otherwise the call is avoided.
  @inline(always)
  var mayRead: Bool {
    switch tls {
    case .some(let tls): tls.mayRead
    case .none: plain.contains(.readable)
    }
  }

  /// Whether the peer has ended its direction or the connection is broken, as far as the poller has reported.
  var hasEnded: Bool { plain.contains(.ended) }

  /// Asks the kernel for the same without reading, where this is worth a system call.
  mutating func lookForEnd() -> Bool {
    if !hasEnded, Socket.hasEnded(descriptor.number) { became([.readable, .ended]) }
    return hasEnded
  }

  /// Whether a plain socket from which nothing was read has enough bytes for TLS to proceed.
  var hasFirstRecord: Bool {
    let header = Socket.peek(descriptor.number, count: FirstRecord.headerSize)
    return FirstRecord.isReady(header: header, waiting: Socket.waiting(descriptor.number))
  }

  /// Whether the connection is broken, as far as the poller has reported.
  @inline(always)
  var isReset: Bool { plain.contains(.broken) }

  /// Whether the connection was closed because the peer sent too many TLS messages without application data.
  var isFlooded: Bool {
    switch tls {
    case .some(let tls): tls.isFlooded
    case .none: false
    }
  }

  /// What the handshake has agreed on; nil before it is complete, and without TLS.
  var handshakeParameters: HandshakeParameters? {
    switch tls {
    case .some(let tls): tls.parameters
    case .none: nil
    }
  }

  /// The peer's certificate; nil if it has sent none, and without TLS.
  var peerCertificate: CertificateFacts? {
    switch tls {
    case .some(let tls): tls.peerCertificate
    case .none: nil
    }
  }

  /// Why the client's certificate, or that it has none, would not be accepted in a handshake now; nil if it would, and
  /// without TLS.
  func findRefusal(by verification: ClientVerification) -> TLSFailure? {
    switch tls {
    case .some(let tls): tls.findRefusal(by: verification)
    case .none: nil
    }
  }

  /// Whether the TCP connection attempt has succeeded or failed.
  var isSettled: Bool { plain.contains(.writable) }

  /// Appends received bytes of a plain socket, and leaves them in the socket.
  func peek(into buffer: inout Buffer) -> ReadResult {
    buffer.fill { (output: inout OutputSpan<UInt8>) in Socket.read(descriptor.number, into: &output, peeking: true) }
  }

  enum Incoming: Equatable {
    case bytes(Int)
    case wouldBlock
    /// No application data yet, and more to read: continue after other connections. No event will follow.
    case yield
    case ended(StreamEnd)
  }

  /// Appends received bytes, as far as there is room.
  @inline(always)
  mutating func read(into buffer: inout Buffer) -> Incoming {
    if tls != nil {
      let result = buffer.fill { (output: inout OutputSpan<UInt8>) in tls?.read(into: &output) ?? .closed }
      switch result {
      case .bytes(let count): return .bytes(count)
      case .wouldBlock: return .wouldBlock
      case .yield: return .yield
      case .closed: return .ended(.closed)
      case .truncated, .failed: return .ended(isFlooded ? .flooded : .cut)
      }
    }
    return readPlain(into: &buffer)
  }

  private mutating func readPlain(into buffer: inout Buffer) -> Incoming {
    guard plain.contains(.readable) else { return .wouldBlock }
    let room = buffer.room
    switch buffer.fill({ (output: inout OutputSpan<UInt8>) in Socket.read(descriptor.number, into: &output) }) {
    case .bytes(let count):
      // A short read has emptied the socket, unless the end is still to be read.
      if count < room, !plain.contains(.ended) { plain.remove(.readable) }
      return .bytes(count)
    case .wouldBlock:
      plain.remove(.readable)
      return .wouldBlock
    case .closed: return .ended(isBroken ? .cut : .closed)
    case .failed: return .ended(.cut)
    }
  }

  enum Outgoing: Equatable {
    case bytes(Int)
    case wouldBlock
    case broken
  }

  /// Sends the first of `bytes`, possibly only some.
  @inline(always)
  mutating func write(_ bytes: Span<UInt8>) -> Outgoing {
    if tls != nil {
      switch tls?.write(bytes) {
      case .bytes(let count): return .bytes(count)
      case .wouldBlock: return .wouldBlock
      case .failed, nil: return breakDown()
      }
    }
    guard plain.contains(.writable) else { return .wouldBlock }
    switch Socket.write(descriptor.number, bytes) {
    case .bytes(let count):
      if count < bytes.count { plain.remove(.writable) }
      return .bytes(count)
    case .wouldBlock:
      plain.remove(.writable)
      return .wouldBlock
    case .failed: return breakDown()
    }
  }

  /// The event for the end may still be to come: reading finds the end at once.
  private mutating func breakDown() -> Outgoing {
    isBroken = true
    became([.readable, .ended])
    return .broken
  }

  /// Ends our direction in order: close_notify, then FIN. The peer's direction stays open. False: try again when the
  /// socket is writable.
  mutating func sendEnd() -> Bool {
    guard !hasSentEnd else { return true }
    if case .wouldBlock? = tls?.sendCloseNotify() { return false }
    Socket.shutdownWrite(descriptor.number)
    hasSentEnd = true
    return true
  }

  /// Sends close_notify, and returns true if the peer is to close the connection. False when there is nothing to wait
  /// for: the peer has ended its direction already, ours has ended before, or there is no TLS. Then our direction ends
  /// here at the latest.
  mutating func announceEnd() -> Bool {
    guard !hasSentEnd else { return false }
    guard tls != nil, !hasEnded, !isReset, !isBroken else {
      _ = sendEnd()
      return false
    }
    _ = tls?.sendCloseNotify()
    return true
  }

  /// Makes closing an abort: RST, and no close_notify.
  mutating func abort() {
    hasSentEnd = true
    Socket.abortOnClose(descriptor.number)
  }
}
