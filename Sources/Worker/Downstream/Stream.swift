import Exchange
import Linux
import TLS

/// A connection's bytes, through TLS or plain: one way to read, write and end either.
struct Stream: ~Copyable {
  let descriptor: Descriptor
  /// Nil for plain TCP.
  var tls: TLSConnection?
  /// What the poller told of a plain socket; TLS keeps its own.
  private var plain: Readiness = []
  private var hasSentEnd = false
  /// A write failed. What had come before can still be read, but an end of plain TCP is no orderly one any more.
  private var isBroken = false

  init(plain descriptor: consuming Descriptor) {
    self.descriptor = descriptor
    tls = nil
  }

  /// Starts TLS as the server's side, on a plain socket of which nothing was read.
  mutating func answerTLS(context: ServerContext, through bio: SocketBIO = SocketBIO()) throws(TLSError) {
    tls = try TLSConnection(accepting: descriptor.number, context: context, through: bio)
    tls?.became(plain)
  }

  /// Starts TLS as the client's side on a connected plain socket.
  mutating func startTLS(
    context: ClientContext, serverName: ReferenceIdentity, session: borrowing TLSSession?,
    through bio: SocketBIO = SocketBIO()
  ) throws(TLSError) {
    tls = try TLSConnection(
      connecting: descriptor.number, context: context, serverName: serverName, session: session, through: bio)
    tls?.became(plain)
  }

  /// Hands in what the poller told.
  @inline(__always)
  mutating func became(_ readiness: Readiness) {
    plain.formUnion(readiness)
    tls?.became(readiness)
  }

  /// A read could bring something: without it, reading is a wasted call.
  @inline(__always)
  var mayRead: Bool {
    switch tls {
    case .some(let tls): tls.mayRead
    case .none: plain.contains(.readable)
    }
  }

  /// The peer has ended its direction or broken the connection, as far as the poller told.
  var hasEnded: Bool { plain.contains(.ended) }

  /// Asks the kernel the same, without taking anything: for what is dear enough to be worth a system call.
  mutating func lookForEnd() -> Bool {
    if !hasEnded, Socket.hasEnded(descriptor.number) { became([.readable, .ended]) }
    return hasEnded
  }

  /// Of a plain socket of which nothing was read: TLS would have something to go on with.
  var hasFirstRecord: Bool {
    let header = Socket.peek(descriptor.number, count: FirstRecord.headerSize)
    return FirstRecord.isReady(header: header, waiting: Socket.waiting(descriptor.number))
  }

  /// The connection is broken, as far as the poller told.
  @inline(__always)
  var isReset: Bool { plain.contains(.broken) }

  /// The peer sent so much of TLS's own that the connection was broken for it.
  var isFlooded: Bool {
    switch tls {
    case .some(let tls): tls.isFlooded
    case .none: false
    }
  }

  /// TCP has connected, or failed to.
  var isSettled: Bool { plain.contains(.writable) }

  /// Of a plain socket: appends what waits, and leaves it there.
  func peek(into buffer: inout Buffer) -> ReadResult {
    buffer.fill { (output: inout OutputSpan<UInt8>) in Socket.read(descriptor.number, into: &output, peeking: true) }
  }

  enum Incoming: Equatable {
    case bytes(Int)
    case wouldBlock
    /// Nothing for the application yet, and more to read: go on when others have had their turn, no event will come.
    case yield
    case ended(StreamEnd)
  }

  /// Appends what has come, as far as there is room.
  @inline(__always)
  mutating func read(into buffer: inout Buffer) -> Incoming {
    if tls != nil {
      let result = buffer.fill { (output: inout OutputSpan<UInt8>) in tls?.read(into: &output) ?? .closed }
      switch result {
      case .bytes(let count): return .bytes(count)
      case .wouldBlock: return .wouldBlock
      case .yield: return .yield
      case .closed: return .ended(.closed)
      case .truncated, .failed: return .ended(.cut)
      }
    }
    return readPlain(into: &buffer)
  }

  private mutating func readPlain(into buffer: inout Buffer) -> Incoming {
    guard plain.contains(.readable) else { return .wouldBlock }
    let room = buffer.room
    switch buffer.fill({ (output: inout OutputSpan<UInt8>) in Socket.read(descriptor.number, into: &output) }) {
    case .bytes(let count):
      // A short read has emptied the socket, unless the end is still to come.
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

  /// Sends the first of `bytes`, possibly not all.
  @inline(__always)
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

  /// The event that tells of the end may still be to come: reading finds it at once.
  private mutating func breakDown() -> Outgoing {
    isBroken = true
    became([.readable, .ended])
    return .broken
  }

  /// Ends our direction in order: close_notify, then FIN. The peer's direction goes on. False: to be tried again when
  /// the socket has become writable.
  mutating func sendEnd() -> Bool {
    guard !hasSentEnd else { return true }
    if case .wouldBlock? = tls?.sendCloseNotify() { return false }
    Socket.shutdownWrite(descriptor.number)
    hasSentEnd = true
    return true
  }

  /// Tells the peer that nothing more comes, and leaves it to the peer to close the connection: true. False when there is
  /// nothing to wait for: the peer has ended it already, our direction has ended before, or there is no TLS that could
  /// say so; then our direction ends here at the latest.
  mutating func announceEnd() -> Bool {
    guard !hasSentEnd else { return false }
    guard tls != nil, !hasEnded, !isReset, !isBroken else {
      _ = sendEnd()
      return false
    }
    _ = tls?.sendCloseNotify()
    return true
  }

  /// Makes closing look like the abort it is: RST, and no close_notify.
  mutating func abort() {
    hasSentEnd = true
    Socket.abortOnClose(descriptor.number)
  }
}
