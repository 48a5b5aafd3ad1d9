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
      guard case .ready = try connect() else { return .lost("it has another change") }
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
        Clock.sleep(Self.reconnectPause)
      }
    }
    return .lost(reason)
  }

  /// Returns the answer to `begin`: the state of the change there.
  private func connect() throws -> ApplyAnswer {
    let deadline = Clock.monotonic() + Self.connectTimeout
    connection = nil
    var frames = StreamFrames()
    let socket = try service.stream(to: name, until: deadline, &frames)
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

extension ControlSocket {
  /// A stream to the receiver of another node, through the running service. `frames` gets what was read of it.
  fileprivate func stream(
    to node: String, until deadline: Instant, _ frames: inout StreamFrames
  ) throws -> Descriptor {
    let socket = try LocalSocket.connect(to: path)
    let request = Array(ControlRequest.stream(node: node).line.utf8) + [UInt8(ascii: "\n")]
    if case .failed(let code) = Socket.write(socket.number, request.span) { throw SystemError("send", code: code) }
    let poller = try Poller()
    try poller.watchLevel(socket)
    var received: [UInt8] = []
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        let answer = try ControlAnswer(parsing: Array(received[..<end]))
        if case .refused(let reasons) = answer { throw Fault(reasons.joined(separator: "; ")) }
        frames.append(Array(received[(end + 1)...]))
        return socket
      }
      switch LocalSocket.receive(from: socket, limit: ControlRequest.byteLimit) {
      case .bytes(let bytes) where received.count < ControlAnswer.byteLimit: received += bytes
      case .bytes, .ended: throw Fault("the service at \(path) ended the connection")
      case .nothing:
        let now = Clock.monotonic()
        guard now < deadline else { throw Fault("the service at \(path) has no connection with \(node)") }
        _ = poller.wait(milliseconds: Int32(clamping: (deadline - now).milliseconds + 1))
      }
    }
  }
}
