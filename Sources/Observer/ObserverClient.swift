import Linux
import Observe
import TLS
import Wire

/// A client's connection and its socket. Never blocks.
struct ObserverClient: ~Copyable {
  /// The most system calls in a turn of the loop, whatever the client sends or takes.
  private static let stepsPerTurn = 16

  private var stream: ObserverStream
  /// Where it comes from.
  let address: IPAddress
  /// Whether its address may be answered.
  let isAdmitted: Bool
  /// Whether its last turn has ended before it was finished.
  private(set) var isBusy = false
  private(set) var connection: ObserverConnection
  private var hasShutDown = false

  init(
    _ descriptor: consuming Descriptor, from address: IPAddress, tls: ServerContext?, isAdmitted: Bool, at now: Instant
  ) throws(TLSError) {
    stream = try ObserverStream(descriptor, tls: tls)
    self.address = address
    self.isAdmitted = isAdmitted
    connection = ObserverConnection(isSecure: tls != nil, at: now)
  }

  /// Why its TLS handshake has failed.
  var failure: TLSFailure? { stream.failure }

  func watch(_ poller: borrowing Poller, token: UInt64) throws(SystemError) {
    try stream.watch(poller, token: token)
  }

  /// Passes the readiness that the poller reported.
  mutating func became(_ readiness: Readiness) { stream.became(readiness) }

  /// Receives, answers and sends as much as the socket permits, for one turn of the loop. `isBusy` then: there is more
  /// to do, although no event will say so. `mayStream`: whether there may be one more stream.
  mutating func proceed(_ site: inout ObserverSite, mayStream: Bool, at now: Instant) {
    isBusy = false
    for _ in 0..<Self.stepsPerTurn {
      if connection.state == .over { return }
      guard let event = step() else { return }
      let request = connection.handle(event, at: now)
      if let request {
        let answer = site.answer(request, isAdmitted: isAdmitted, at: now)
        _ = connection.handle(.answered(answer.isStream && !mayStream ? .tooManyStreams : answer), at: now)
      }
    }
    isBusy = connection.state != .over
  }

  /// One call of the stream, and what it means for the connection; nil if this turn has ended.
  private mutating func step() -> ObserverConnection.Event? {
    if connection.state == .securing {
      let event = event(of: stream.handshake(), .secured)
      if case .failed? = event, stream.continuePlainly() { return .plain }
      return event
    }
    if !connection.output.isEmpty {
      var count = 0
      let progress = stream.send(connection.output.span, count: &count)
      return event(of: progress, .sent(count))
    }
    if connection.state == .draining, !hasShutDown {
      guard event(of: stream.end(), .timer) != nil else { return nil }
      hasShutDown = true
    }
    switch stream.receive(limit: connection.room) {
    case .bytes(let bytes): return .received(bytes)
    case .ended: return .ended
    case .wouldBlock: return nil
    case .yield: return event(of: .yield, .failed)
    }
  }

  private mutating func event(
    of progress: ObserverStream.Progress, _ done: ObserverConnection.Event
  ) -> ObserverConnection.Event? {
    switch progress {
    case .done: return done
    case .failed: return .failed
    case .wouldBlock: return nil
    case .yield:
      isBusy = true
      return nil
    }
  }

  /// More for a stream. `proceed` sends it.
  mutating func send(_ message: [UInt8], at now: Instant) { _ = connection.handle(.continued(message), at: now) }

  mutating func handleTimeout(at now: Instant) { _ = connection.handle(.timer, at: now) }
}
