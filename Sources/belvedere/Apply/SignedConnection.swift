import Apply
import Control
import Linux
import TLS
import Wire

/// A socket with a signed stream on it. It waits, but not beyond a deadline.
struct SignedConnection: ~Copyable {
  private let socket: Descriptor
  private let poller: Poller
  private var stream: SignedStream
  /// In which the stream is received through the service.
  private var frames: StreamFrames?
  /// Why nothing more comes.
  private var end: String?

  /// Why the connection is of no more use.
  struct Fault: Error, CustomStringConvertible {
    let description: String
  }

  /// What came first.
  enum Arrival {
    case message([UInt8])
    case deadline
    /// A signal.
    case signal
  }

  private enum Source: UInt64 { case socket, signals }
  private typealias Token = PollerToken<Source>
  /// Bytes that one read brings.
  private static let readBytes = 65_536

  /// `socket` must not block. `frames`: those of a stream through the service, which may have some already; nil for a
  /// socket of the other end.
  init(
    _ socket: consuming Descriptor, _ side: SignedStream.Side, key: [UInt8], frames: StreamFrames? = nil
  ) throws {
    let poller = try Poller()
    try poller.watch(socket, token: Token(.socket).rawValue)
    let nonce = try RandomBytes.make(SignedStream.nonceBytes)
    stream = SignedStream(side, key: key, nonce: nonce) { Digest.hmacSHA256(key: $0, $1) }
    self.socket = socket
    self.poller = poller
    self.frames = frames
    takeFrames()
  }

  /// Lets a signal end `receive`.
  func watch(_ signals: borrowing SignalReader) throws(SystemError) {
    try poller.watchLevel(signals.descriptor, token: Token(.signals).rawValue)
  }

  /// Sends the greeting.
  func greet(until deadline: Instant) throws { try write(stream.greeting, until: deadline) }

  /// Sends a message. The other end's greeting must have been received.
  mutating func send(_ message: [UInt8], until deadline: Instant) throws {
    try write(stream.sign(message), until: deadline)
  }

  /// Waits for a message.
  mutating func receive(until deadline: Instant) throws -> Arrival {
    while true {
      if let message = try next() { return .message(message) }
      if let end = try read(until: deadline) { return end }
    }
  }

  /// Waits for the other end's greeting.
  mutating func open(until deadline: Instant) throws {
    while try !takeGreeting() {
      if try read(until: deadline) != nil { throw Fault(description: "it does not answer") }
    }
  }

  private mutating func takeGreeting() throws -> Bool {
    do throws(ApplyError) { return try stream.open() } catch { throw Fault(description: error.description) }
  }

  private mutating func next() throws -> [UInt8]? {
    do throws(ApplyError) { return try stream.next() } catch { throw Fault(description: error.description) }
  }

  /// Reads what there is, and waits for it; nil, or what came instead.
  private mutating func read(until deadline: Instant) throws -> Arrival? {
    if let end { throw Fault(description: end.isEmpty ? "the connection has ended" : end) }
    switch LocalSocket.receive(from: socket, limit: Self.readBytes) {
    case .bytes(let bytes) where frames == nil: stream.append(bytes)
    case .bytes(let bytes):
      frames?.append(bytes)
      takeFrames()
    case .ended: throw Fault(description: "the connection has ended")
    case .nothing:
      switch wait(until: deadline) {
      case .socket: break
      case .signals: return .signal
      case nil: return .deadline
      }
    }
    return nil
  }

  private mutating func takeFrames() {
    while let frame = frames?.next() {
      switch frame {
      case .data(let bytes): stream.append(bytes)
      case .end(let reason): end = reason
      }
    }
  }

  private func write(_ bytes: [UInt8], until deadline: Instant) throws {
    var sent = 0
    while sent < bytes.count {
      switch Socket.write(socket.number, bytes.span.extracting(sent...)) {
      case .bytes(let count): sent += count
      case .wouldBlock:
        if wait(until: deadline) == nil { throw Fault(description: "it does not read what is sent to it") }
      case .failed(let code): throw Fault(description: "the connection has ended: \(SystemError.words(for: code))")
      }
    }
  }

  /// The source of the next event, a signal first; nil at the deadline.
  private func wait(until deadline: Instant) -> Source? {
    while true {
      let now = Clock.monotonic()
      guard now < deadline else { return nil }
      let count = poller.wait(milliseconds: Int32(clamping: min((deadline - now).milliseconds + 1, 60_000)))
      let sources = (0..<count).compactMap { Token(rawValue: poller.event(at: $0).token).kind }
      if sources.contains(.signals) { return .signals }
      if sources.contains(.socket) { return .socket }
    }
  }
}
