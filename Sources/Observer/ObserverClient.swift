import Linux
import Observe
import Wire

/// A client's connection and its socket. Never blocks.
struct ObserverClient: ~Copyable {
  /// The most system calls in a turn of the loop, whatever the client sends or takes.
  private static let stepsPerTurn = 16

  private let descriptor: Descriptor
  /// Whether its address may be answered.
  let isAdmitted: Bool
  /// Whether its last turn has ended before it was finished.
  private(set) var isBusy = false
  private(set) var connection: ObserverConnection
  private var hasShutDown = false

  init(_ descriptor: consuming Descriptor, isAdmitted: Bool, at now: Instant) {
    self.descriptor = descriptor
    self.isAdmitted = isAdmitted
    connection = ObserverConnection(at: now)
  }

  func watch(_ poller: borrowing Poller, token: UInt64) throws(SystemError) {
    try poller.watch(descriptor, token: token)
  }

  /// Receives, answers and sends as much as the socket permits, for one turn of the loop. `isBusy` then: there is more
  /// to do, although no event will say so. `mayStream`: whether there may be one more stream.
  mutating func proceed(_ site: inout ObserverSite, mayStream: Bool, at now: Instant) {
    isBusy = false
    for _ in 0..<Self.stepsPerTurn {
      if connection.state == .over { return }
      var request: ObserverRequest?
      if !connection.output.isEmpty {
        switch Socket.write(descriptor.number, connection.output.span) {
        case .bytes(let count): request = connection.handle(.sent(count), at: now)
        case .wouldBlock: return
        case .failed: request = connection.handle(.failed, at: now)
        }
      } else {
        if connection.state == .draining, !hasShutDown {
          hasShutDown = true
          Socket.shutdownWrite(descriptor.number)
        }
        switch LocalSocket.receive(from: descriptor, limit: connection.room) {
        case .nothing: return
        case .ended: request = connection.handle(.ended, at: now)
        case .bytes(let bytes): request = connection.handle(.received(bytes), at: now)
        }
      }
      if let request {
        let answer = site.answer(request, isAdmitted: isAdmitted, at: now)
        _ = connection.handle(.answered(answer.isStream && !mayStream ? .tooManyStreams : answer), at: now)
      }
    }
    isBusy = connection.state != .over
  }

  /// More for a stream. `proceed` sends it.
  mutating func send(_ message: [UInt8], at now: Instant) { _ = connection.handle(.continued(message), at: now) }

  mutating func handleTimeout(at now: Instant) { _ = connection.handle(.timer, at: now) }
}
