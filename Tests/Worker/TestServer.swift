import Exchange
import Glibc
import Linux
import TLS
import Wire

@testable import Worker

/// The other end of one connection, a client or a server, driven by the test's thread. It asks the kernel at every
/// step instead of waiting for events.
struct TestServer: ~Copyable {
  private var stream: Stream
  private var input = Buffer()
  private var pool = BufferPool()
  private var unsent: [UInt8] = []
  private(set) var isConnected = false
  private(set) var received = ""
  /// How the other side ended its direction.
  private(set) var end: StreamEnd?
  /// Reads only when it is to.
  var isReading = true

  /// A client of `endpoint`, with TLS when there is a context for it.
  init(connectingTo endpoint: Endpoint, _ context: ClientContext?) throws {
    var stream = Stream(plain: try Socket.connect(to: endpoint))
    stream.became([.readable, .writable])
    if let context { try stream.startTLS(context: context, serverName: ReferenceIdentity("view.test"), session: nil) }
    self.stream = stream
  }

  /// The server's end of a connection that was accepted.
  init(accepted descriptor: consuming Descriptor, _ context: ServerContext?) throws {
    var stream = Stream(plain: descriptor)
    if let context { try stream.answerTLS(context: context) }
    self.stream = stream
  }

  /// Sends what it can of what it is to send, and receives what is there.
  mutating func pump() {
    stream.became([.readable, .writable])
    if !isConnected {
      if stream.tls != nil {
        guard case .done = stream.tls?.handshake() else { return }
      }
      isConnected = true
    }
    let bytes = unsent
    var sent = 0
    while sent < bytes.count, case .bytes(let count) = stream.write(bytes.span.extracting(sent...)) { sent += count }
    unsent.removeFirst(sent)
    while isReading, end == nil {
      pool.lease(&input)
      input.removeAll()
      switch stream.read(into: &input) {
      case .bytes: received += String(decoding: Array(copying: input.bytes), as: UTF8.self)
      case .wouldBlock, .yield: return
      case .ended(let how): end = how
      }
    }
  }

  mutating func send(_ text: String) {
    unsent += Array(text.utf8)
    pump()
  }

  var hasSentAll: Bool { isConnected && unsent.isEmpty }

  /// Ends its direction in order.
  mutating func sendEnd() { _ = stream.sendEnd() }

  /// Ends its direction below TLS, in no order.
  func cut() { Socket.shutdownWrite(stream.descriptor.number) }

  /// Goes away: what was not read makes it a reset.
  consuming func vanish() { stream.abort() }

  /// Lets the kernel hold little for it.
  func shrinkBuffers() { WorkerTests.shrinkBuffers(of: stream.descriptor) }

  /// Takes what came.
  mutating func take() -> String {
    defer { received = "" }
    return received
  }
}

extension TestServer {
  /// One that an array can hold.
  final class Owner {
    var end: TestServer

    init(_ end: consuming TestServer) { self.end = end }
  }
}

/// The kernel holds as little as it can for this socket.
func shrinkBuffers(of socket: borrowing Descriptor) {
  for option in [SO_SNDBUF, SO_RCVBUF] {
    var size: Int32 = 1
    unsafe setsockopt(socket.number, SOL_SOCKET, option, &size, 4)
  }
}

extension Array<UInt8> {
  init(copying span: Span<UInt8>) {
    self.init()
    reserveCapacity(span.count)
    for index in span.indices { append(span[index]) }
  }
}
