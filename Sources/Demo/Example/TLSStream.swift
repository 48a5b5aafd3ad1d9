import Domain
import Linux
import TLS
import Wire

/// Blocking TLS over a TCP socket.
package struct TLSStream: ~Copyable, ByteStream {
  package var timeout: Interval?

  private var connection: TLSConnection
  private let socket: Descriptor
  private var poller: Poller

  /// The room for each read: one record.
  private static let readSize = 16 * 1024
  /// How long `finish` waits for the peer to close.
  private static let closeTimeout = Interval.seconds(2)

  private typealias Token = PollerToken<EventSource>

  private enum EventSource: UInt64 {
    case socket, stop
  }

  /// The server side, after its handshake. Every wait throws `.stopped` once `stop` is signalled.
  package static func accept(
    _ socket: consuming Descriptor, context: ServerContext, stop: borrowing Wakeup, timeout: Interval
  ) throws(DemoError) -> TLSStream {
    let number = socket.number
    let connection = try needed { () throws(TLSError) in try TLSConnection(accepting: number, context: context) }
    let poller = try Self.poller(watching: socket, stop)
    var stream = TLSStream(connection, socket, poller, timeout)
    try stream.handshake()
    return stream
  }

  /// The client side, after its handshake. `stop` as in `accept`.
  package static func connect(
    to endpoint: Endpoint, context: ClientContext, serverName: ReferenceIdentity, stop: borrowing Wakeup,
    timeout: Interval
  ) throws(DemoError) -> TLSStream {
    let socket: Descriptor
    do throws(SystemError) { socket = try Socket.connect(to: endpoint) } catch { throw .broken("\(error)") }
    let number = socket.number
    let connection = try needed { () throws(TLSError) in
      try TLSConnection(connecting: number, context: context, serverName: serverName)
    }
    let poller = try Self.poller(watching: socket, stop)
    var stream = TLSStream(connection, socket, poller, timeout)
    try stream.handshake()
    return stream
  }

  private init(
    _ connection: consuming TLSConnection, _ socket: consuming Descriptor, _ poller: consuming Poller,
    _ timeout: Interval
  ) {
    self.connection = connection
    self.socket = socket
    self.poller = poller
    self.timeout = timeout
  }

  package mutating func receive(into buffer: inout [UInt8]) throws(DemoError) -> Bool {
    let deadline = deadline
    while true {
      var result = TLSReadResult.wouldBlock
      buffer.append(addingCapacity: Self.readSize) { output in result = connection.read(into: &output) }
      switch result {
      case .bytes: return true
      case .closed: return false
      case .wouldBlock: try waitForEvent(until: deadline)
      case .yield: continue
      case .truncated: throw .broken("the peer closed the connection without saying that it would")
      case .failed(let failure): throw .broken(failure.description)
      }
    }
  }

  package mutating func send(_ bytes: Span<UInt8>) throws(DemoError) {
    var sent = 0
    var deadline = deadline
    while sent < bytes.count {
      switch connection.write(bytes.extracting(sent...)) {
      case .bytes(let count):
        sent += count
        deadline = self.deadline
      case .wouldBlock: try waitForEvent(until: deadline)
      case .failed(let failure): throw .broken(failure.description)
      }
    }
  }

  package mutating func pause(_ interval: Interval) throws(DemoError) {
    let end = Clock.monotonic() + interval
    while Clock.monotonic() < end {
      do { try waitForEvent(until: end) } catch  where error == .silent { return }
    }
  }

  package mutating func finish() throws(DemoError) {
    let deadline = Clock.monotonic() + Self.closeTimeout
    var result = connection.sendCloseNotify()
    while case .wouldBlock = result {
      try waitForEvent(until: deadline)
      result = connection.sendCloseNotify()
    }
    if case .failed(let failure) = result { throw .broken(failure.description) }
    Socket.shutdownWrite(socket.number)
    // Unread bytes would turn the close into a reset, which discards data that the peer has not read.
    timeout = Self.closeTimeout
    var rest: [UInt8] = []
    while try receive(into: &rest) {
      rest.removeAll(keepingCapacity: true)
      guard Clock.monotonic() < deadline else { return }
    }
  }

  private static func poller(
    watching socket: borrowing Descriptor, _ stop: borrowing Wakeup
  ) throws(DemoError) -> Poller {
    let poller = try needed(Poller.init)
    try needed { () throws(SystemError) in
      try poller.watch(socket, token: Token(.socket).rawValue)
      try poller.watchLevel(stop.descriptor, token: Token(.stop).rawValue)
    }
    return poller
  }

  private var deadline: Instant { timeout.map { Clock.monotonic() + $0 } ?? .distantFuture }

  private mutating func handshake() throws(DemoError) {
    let deadline = deadline
    while true {
      switch connection.handshake() {
      case .done: return
      case .wantsRead, .wantsWrite: try waitForEvent(until: deadline)
      case .yield: continue
      case .failed(let failure): throw .broken(failure.description)
      }
    }
  }

  /// Waits for an event of the socket and passes it to the connection.
  private mutating func waitForEvent(until deadline: Instant) throws(DemoError) {
    let rest = deadline - Clock.monotonic()
    guard rest > .zero else { throw .silent }
    let isEndless = deadline == .distantFuture
    // Rounded up, and split when it exceeds the poller's range.
    let milliseconds = isEndless ? -1 : Int32(min(rest.milliseconds + 1, 60_000))
    for index in 0..<poller.wait(milliseconds: milliseconds) {
      let event = poller.event(at: index)
      guard Token(rawValue: event.token).kind == .socket else { throw .stopped }
      connection.became(event.readiness)
    }
  }
}
