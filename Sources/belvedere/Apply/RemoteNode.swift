import Apply
import Control
import Linux
import Wire

/// Another node, as `belvedere apply` speaks to its receiver. A connection that ends is made anew, since the change
/// outlives it.
final class RemoteNode {
  /// In `pair.nodes`.
  let name: String
  private let service: ControlSocket
  private let key: [UInt8]
  /// The name of the change, for the receiver.
  private let change: UInt64
  private var connection: SignedConnection?

  private static let connectTimeout = Interval.seconds(10)
  /// How long a stream to the other node is tried: after a change of servers the nodes join anew, and a change that has just
  /// ended may still have its stream.
  private static let joinTimeout = Interval.seconds(3)
  /// How long the other node may take to be reachable again after a reload.
  private static let reconnectTimeout = Interval.seconds(25)
  private static let reconnectPause = Interval.milliseconds(500)
  private static let answerTimeout = Interval.seconds(60)
  /// A reload, a look for servers, and both again for the old files.
  private static let takeOverTimeout = Interval.seconds(150)

  /// Connects with the first request.
  init(_ name: String, _ service: ControlSocket, key: [UInt8], change: UInt64) {
    self.name = name
    self.service = service
    self.key = key
    self.change = change
  }

  /// Sends all files and has them checked.
  func check(_ proposal: ApplyProposal) -> RequesterStateMachine.Event {
    do {
      guard case .ready = try connectOnceJoined() else { return .lost("it has another change") }
      for request in [.configuration(proposal.configuration)] + proposal.files.map(ApplyRequest.file) {
        let answer = try exchange(request, within: Self.answerTimeout)
        guard answer == .ready else { return .answer(answer) }
      }
      return .answer(try exchange(.check, within: Self.answerTimeout))
    } catch { return .lost("\(error)") }
  }

  /// Sends one more request.
  func ask(_ request: ApplyRequest) -> RequesterStateMachine.Event {
    let timeout = request == .takeOver ? Self.takeOverTimeout : Self.answerTimeout
    do { return .answer(try exchange(request, within: timeout)) } catch { connection = nil }
    let deadline = Clock.monotonic() + timeout + Self.reconnectTimeout
    var reason = ""
    while Clock.monotonic() < deadline {
      do {
        let state = try connect()
        if state == .ready { return .lost("it does not know the change any more") }
        if case .tookOver = state, request != .takeOver { return .answer(try exchange(request, within: timeout)) }
        return .answer(state)
      } catch {
        reason = "\(error)"
        connection = nil
        waitForReport(until: deadline)
      }
    }
    return .lost(reason)
  }

  /// As `connect`, and again while there is no stream to the other node.
  private func connectOnceJoined() throws -> ApplyAnswer {
    let deadline = Clock.monotonic() + Self.joinTimeout
    while true {
      do { return try connect() } catch let fault as ControlSocket.Fault {
        guard Clock.monotonic() < deadline else { throw fault }
        waitForReport(until: deadline)
      }
    }
  }

  /// Waits for the next report of the other node, which sends one as soon as it has joined and then once a second.
  private func waitForReport(until deadline: Instant) {
    let rest = deadline - Clock.monotonic()
    guard rest > .zero else { return }
    // A service that is being restarted has no socket to wait at.
    if (try? service.status(once: .report(node: name), within: rest)) == nil {
      _ = (try? Poller())?.wait(Self.reconnectPause)
    }
  }

  /// Returns the answer to `begin`: the state of the change there.
  private func connect() throws -> ApplyAnswer {
    let deadline = Clock.monotonic() + Self.connectTimeout
    connection = nil
    var frames = StreamFrames()
    let socket = try service.open(.stream(node: name), until: deadline, &frames)
    var connection = try SignedConnection(socket, .requester, key: key, frames: frames)
    try connection.greet(until: deadline)
    try connection.open(until: deadline)
    self.connection = consume connection
    return try exchange(.begin(change: change, node: name), within: Self.connectTimeout)
  }

  private func exchange(_ request: ApplyRequest, within timeout: Interval) throws -> ApplyAnswer {
    let deadline = Clock.monotonic() + timeout
    try connection?.send(request.encoded, until: deadline)
    guard case .message(let message) = try connection?.receive(until: deadline) else {
      throw SignedConnection.Fault(description: "it has not answered for \(timeout.text)")
    }
    return try ApplyAnswer(decoding: message)
  }
}
