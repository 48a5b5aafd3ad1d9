import HTTP1
import Linux
import TLS
import Wire

/// One request over TLS, for commands: it blocks until the head of the response has arrived.
struct TLSRequest {
  let endpoint: Endpoint
  let context: ClientContext
  let serverName: ReferenceIdentity
  /// Sent before TLS.
  var preamble: [UInt8] = []
  /// For the whole attempt.
  let timeout: Interval

  /// What came back.
  struct Answer {
    var certificate: CertificateFacts?
    /// Nil when nothing was asked.
    var status: UInt16?
    /// The time of the Date field.
    var date: WallTime?
  }

  /// Why there is no answer.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    /// The certificate that was rejected.
    var certificate: CertificateFacts?
  }

  /// Connects, and sends the request if there is one.
  func send(_ request: String?) throws(Failure) -> Answer {
    do { return try exchange(request.map { Array($0.utf8) }) } catch let failure as Failure {
      throw failure
    } catch { throw Failure(description: "\(error)") }
  }

  private func exchange(_ request: [UInt8]?) throws -> Answer {
    let deadline = Clock.monotonic() + timeout
    let socket = try Socket.connect(to: endpoint)
    let poller = try Poller()
    try poller.watch(socket)
    func remaining() throws -> Interval {
      let now = Clock.monotonic()
      guard now < deadline else { throw Failure(description: "no answer for \(timeout.text)") }
      return deadline - now
    }
    func wait() throws -> Readiness {
      let count = poller.wait(milliseconds: Int32(clamping: try remaining().milliseconds + 1))
      var readiness = Readiness()
      for index in 0..<count { readiness.formUnion(poller.event(at: index).readiness) }
      return readiness
    }
    let first = try connected(socket, wait)
    var connection = try TLSConnection(connecting: socket.number, context: context, serverName: serverName)
    connection.became(first)
    handshake: while true {
      _ = try remaining()
      switch connection.handshake() {
      case .done: break handshake
      case .wantsRead, .wantsWrite: connection.became(try wait())
      case .yield: continue
      case .failed(let failure): throw Failure(description: "\(failure)", certificate: failure.refusal?.leaf)
      }
    }
    var answer = Answer(certificate: connection.peerCertificate)
    guard let request else {
      _ = connection.sendCloseNotify()
      return answer
    }
    var sent = 0
    while sent < request.count {
      _ = try remaining()
      switch connection.write(request.span.extracting(sent...)) {
      case .bytes(let count): sent += count
      case .wouldBlock: connection.became(try wait())
      case .failed(let failure): throw Failure(description: "\(failure)")
      }
    }
    try readHead(&connection, into: &answer, remaining, wait)
    _ = connection.sendCloseNotify()
    return answer
  }

  /// Waits until the socket is connected, sends the preamble, and returns its readiness.
  private func connected(_ socket: borrowing Descriptor, _ wait: () throws -> Readiness) throws -> Readiness {
    var readiness = Readiness()
    while !readiness.contains(.writable) { readiness.formUnion(try wait()) }
    let code = Socket.error(of: socket.number)
    guard code == 0 else { throw Failure(description: SystemError.words(for: code)) }
    if !preamble.isEmpty, Socket.write(socket.number, preamble.span) != .bytes(preamble.count) {
      throw Failure(description: "the PROXY protocol header can't be sent")
    }
    return readiness
  }

  /// Reads until the head of a response that is not interim is complete.
  private func readHead(
    _ connection: inout TLSConnection, into answer: inout Answer, _ remaining: () throws -> Interval,
    _ wait: () throws -> Readiness
  ) throws {
    var received: [UInt8] = []
    let limits = HeadLimits()
    while true {
      // A peer may send interim responses for ever.
      _ = try remaining()
      var result = TLSReadResult.wouldBlock
      received.append(addingCapacity: 16_384) { result = connection.read(into: &$0) }
      switch result {
      case .bytes, .yield: break
      case .wouldBlock: connection.became(try wait())
      case .closed, .truncated: throw Failure(description: "the connection ended without a response")
      case .failed(let failure): throw Failure(description: "\(failure)")
      }
      parsing: while true {
        switch ResponseHead.parse(received.span, to: AnsweredRequest(), limits: limits) {
        case .incomplete: break parsing
        case .rejected(let rejection): throw Failure(description: "the response is malformed: \(rejection)")
        case .head(let head) where head.isInterim: received.removeFirst(head.length)
        case .head(let head):
          answer.status = head.status
          answer.date = head.date(in: received.span)
          return
        }
      }
    }
  }
}
