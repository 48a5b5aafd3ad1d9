import Linux
import Wire

/// The connection to a responder for one request. It blocks, so it needs its own thread.
struct OCSPClient: ~Copyable {
  /// For the connection and the complete response, at each of the responder's addresses.
  static let timeout = Interval.seconds(10)

  private let descriptor: Descriptor
  private let poller: Poller
  private let deadline: Instant
  private var readiness: Readiness = []

  /// Sends the request, and returns the content of the response.
  static func ask(_ responder: ResponderURL, _ question: [UInt8]) throws(ResponderFailure) -> [UInt8] {
    let addresses = (try? IPAddress(parsing: responder.host)).map { [$0] } ?? HostLookup.addresses(of: responder.host)
    var failure = ResponderFailure("\(responder.host) has no address")
    for address in addresses {
      do {
        var client = try OCSPClient(to: Endpoint(address: address, port: responder.port))
        try client.connect()
        try client.send(OCSPMessage.request(question, to: responder))
        return try client.receive()
      } catch {
        failure = error as? ResponderFailure ?? ResponderFailure("\(error)")
      }
    }
    throw failure
  }

  private init(to endpoint: Endpoint) throws(SystemError) {
    let descriptor = try Socket.connect(to: endpoint)
    let poller = try Poller()
    try poller.watch(descriptor)
    self.descriptor = descriptor
    self.poller = poller
    deadline = Clock.monotonic() + Self.timeout
  }

  private mutating func connect() throws(ResponderFailure) {
    while !readiness.contains(.writable) { try wait() }
    let code = Socket.error(of: descriptor.number)
    guard code == 0 else { throw ResponderFailure("connect: \(SystemError.words(for: code))") }
  }

  private mutating func send(_ message: [UInt8]) throws(ResponderFailure) {
    var sent = 0
    while sent < message.count {
      switch Socket.write(descriptor.number, message.span.extracting(sent..<message.count)) {
      case .bytes(let count): sent += count
      case .wouldBlock: try wait()
      case .failed: throw ResponderFailure("the responder closed the connection")
      }
    }
  }

  private mutating func receive() throws(ResponderFailure) -> [UInt8] {
    var pool = BufferPool()
    var buffer = Buffer()
    pool.lease(&buffer)
    while true {
      guard buffer.room > 0 else { throw ResponderFailure("the answer is too large") }
      // A responder that sends continuously, byte by byte, never leads to `wait`.
      try checkDeadline(at: Clock.monotonic())
      let result = buffer.fill { (output: inout OutputSpan<UInt8>) in Socket.read(descriptor.number, into: &output) }
      switch result {
      case .bytes:
        if let content = try OCSPMessage.content(of: buffer.bytes, hasEnded: false) { return content }
      case .wouldBlock: try wait()
      case .closed:
        if let content = try OCSPMessage.content(of: buffer.bytes, hasEnded: true) { return content }
        throw ResponderFailure("the answer broke off")
      case .failed: throw ResponderFailure("the answer broke off")
      }
    }
  }

  private mutating func wait() throws(ResponderFailure) {
    let now = Clock.monotonic()
    try checkDeadline(at: now)
    let milliseconds = (deadline - now).nanoseconds / 1_000_000 + 1
    guard poller.wait(milliseconds: Int32(clamping: milliseconds)) > 0 else { return }
    readiness.formUnion(poller.event(at: 0).readiness)
  }

  private func checkDeadline(at now: Instant) throws(ResponderFailure) {
    guard now < deadline else {
      throw ResponderFailure("no answer within \(Self.timeout.nanoseconds / 1_000_000_000) s")
    }
  }
}
