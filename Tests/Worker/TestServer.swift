import Exchange
import Glibc
import Linux
import TLS
import Wire

@testable import Worker

/// The peer of one connection, a client or a server, driven by the test's thread. It polls the kernel at every
/// step instead of waiting for events.
struct TestServer: ~Copyable {
  private var stream: Stream
  private var input = Buffer()
  private var pool = BufferPool()
  private var unsent: [UInt8] = []
  private(set) var isConnected = false
  private(set) var received = ""
  /// The way in which the other side ended its direction.
  private(set) var end: StreamEnd?
  /// Whether it reads.
  var isReading = true

  /// A client of `endpoint`, with TLS if a context is given.
  init(connectingTo endpoint: Endpoint, _ context: ClientContext?) throws {
    var stream = Stream(plain: try Socket.connect(to: endpoint))
    stream.became([.readable, .writable])
    if let context { try stream.startTLS(context: context, serverName: ReferenceIdentity("view.test"), session: nil) }
    self.stream = stream
  }

  /// The server's end of an accepted connection.
  init(accepted descriptor: consuming Descriptor, _ context: ServerContext?) throws {
    var stream = Stream(plain: descriptor)
    if let context { try stream.answerTLS(context: context) }
    self.stream = stream
  }

  /// Sends pending bytes as far as possible, and receives available ones.
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

  /// Ends its direction, with close_notify or FIN.
  mutating func sendEnd() { _ = stream.sendEnd() }

  /// Ends its direction with FIN, without close_notify.
  func cut() { Socket.shutdownWrite(stream.descriptor.number) }

  /// Closes the socket: unread bytes turn that into a reset.
  consuming func vanish() { stream.abort() }

  /// Sets small kernel buffers.
  func shrinkBuffers() { WorkerTests.shrinkBuffers(of: stream.descriptor) }

  /// Returns the received bytes, and removes them.
  mutating func take() -> String {
    defer { received = "" }
    return received
  }
}

extension TestServer {
  /// A peer in a class, because an array can't hold a ~Copyable type.
  final class Owner {
    var end: TestServer

    init(_ end: consuming TestServer) { self.end = end }
  }
}

/// Sets the smallest kernel buffers for this socket.
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
