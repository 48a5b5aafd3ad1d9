import Exchange
import HTTP1
import Linux
import Wire

/// One question to a responder and its answer. It waits: for a thread of its own.
struct OCSPClient: ~Copyable {
  /// For the connection and the whole answer, at each of the responder's addresses.
  static let timeout = Interval.seconds(10)
  /// Answers have one or two kilobytes, with the signer's certificate three. No larger one fits into the buffer.
  private static let limits = HeadLimits(bytes: 8_192, fieldLines: 64)

  /// Why there is no answer, in words for a person.
  struct Failure: Error {
    let reason: String
  }

  private var stream: Stream
  private let poller: Poller
  private let deadline: Instant

  /// Posts the question, and returns the answer's content.
  static func ask(_ responder: ResponderURL, _ question: [UInt8]) throws(Failure) -> [UInt8] {
    let addresses = (try? IPAddress(parsing: responder.host)).map { [$0] } ?? HostLookup.addresses(of: responder.host)
    var failure = Failure(reason: "\(responder.host) has no address")
    for address in addresses {
      do {
        var exchange = try OCSPClient(to: Endpoint(address: address, port: responder.port))
        try exchange.settle()
        return try exchange.post(question, to: responder)
      } catch {
        failure = error as? Failure ?? Failure(reason: "\(error)")
      }
    }
    throw failure
  }

  private init(to endpoint: Endpoint) throws(SystemError) {
    let descriptor = try Socket.connect(to: endpoint)
    let poller = try Poller()
    try poller.watch(descriptor)
    stream = Stream(plain: descriptor)
    self.poller = poller
    deadline = Clock.monotonic() + OCSPClient.timeout
  }

  private mutating func settle() throws(Failure) {
    while !stream.isSettled { try wait() }
    let code = Socket.error(of: stream.descriptor.number)
    guard code == 0 else { throw Failure(reason: "connect: \(SystemError.words(for: code))") }
  }

  private mutating func post(_ question: [UInt8], to responder: ResponderURL) throws(Failure) -> [UInt8] {
    // HTTP/1.0: the answer ends with its length or with the connection, and never comes in chunks.
    let head =
      "POST \(responder.path) HTTP/1.0\r\nHost: \(responder.authority)\r\nContent-Type: application/ocsp-request\r\n"
      + "Content-Length: \(question.count)\r\n\r\n"
    let message = Array(head.utf8) + question
    var sent = 0
    while sent < message.count {
      switch stream.write(message.span.extracting(sent..<message.count)) {
      case .bytes(let count): sent += count
      case .wouldBlock: try wait()
      case .broken: throw Failure(reason: "the responder closed the connection")
      }
    }
    var pool = BufferPool()
    var buffer = Buffer()
    pool.lease(&buffer)
    while true {
      guard buffer.room > 0 else { throw Failure(reason: "the answer is too large") }
      // A responder that sends a byte at a time, and never lets the socket run empty, does not get to `wait`.
      try checkDeadline(at: Clock.monotonic())
      switch stream.read(into: &buffer) {
      case .bytes:
        if let content = try OCSPClient.content(of: buffer, hasEnded: false) { return content }
      case .wouldBlock: try wait()
      case .yield: continue
      case .ended(let end):
        guard end == .closed, let content = try OCSPClient.content(of: buffer, hasEnded: true) else {
          throw Failure(reason: "the answer broke off")
        }
        return content
      }
    }
  }

  /// The content of a complete answer; nil when more has to come.
  private static func content(of buffer: borrowing Buffer, hasEnded: Bool) throws(Failure) -> [UInt8]? {
    let bytes = buffer.bytes
    switch ResponseHead.parse(bytes, to: AnsweredRequest(version: .http10), limits: limits) {
    case .incomplete: return nil
    case .rejected(let rejection): throw Failure(reason: "malformed answer: \(rejection.reason)")
    case .head(let head):
      guard head.status == 200 else { throw Failure(reason: "the responder answers with status \(head.status)") }
      var body = BodyTracker(head.framing)
      let progress = body.advance(over: bytes.extracting(droppingFirst: head.length))
      guard progress.state == .complete || hasEnded && body.end() else { return nil }
      var content: [UInt8] = []
      content.reserveCapacity(progress.accepted)
      for index in head.length..<head.length + progress.accepted { content.append(bytes[index]) }
      return content
    }
  }

  private mutating func wait() throws(Failure) {
    let now = Clock.monotonic()
    try checkDeadline(at: now)
    let milliseconds = (deadline - now).nanoseconds / 1_000_000 + 1
    if poller.wait(milliseconds: Int32(clamping: milliseconds)) > 0 { stream.became(poller.event(at: 0).readiness) }
  }

  private func checkDeadline(at now: Instant) throws(Failure) {
    guard now < deadline else {
      throw Failure(reason: "no answer within \(Self.timeout.nanoseconds / 1_000_000_000) s")
    }
  }
}
