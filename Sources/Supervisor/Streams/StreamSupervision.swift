import Configuration
import Control
import Domain
import Linux
import Logging
import WorkerProtocol
import Wire

/// Streams between processes on different nodes of the pair, for `belvedere apply`. The worker carries them; what they
/// contain is authenticated by the processes at their ends.
extension Supervision {
  /// The name of this node.
  var ownName: String { active.plan.pair?.node ?? "this node" }

  /// Opens a stream for a process that has requested it, or refuses.
  mutating func openStream(to node: String, for requester: OperatorSocket.Requester) {
    let now = Clock.monotonic()
    let name = operators.name(of: requester)
    guard operators.isRoot(requester) else { return refuse("permission denied: be root", requester) }
    guard let pair = active.plan.pair else { return refuse("the configuration has no `pair`", requester) }
    guard pair.others.contains(where: { $0.name == node }) else {
      let names = pair.others.map(\.name).joined(separator: ", ")
      return refuse("the pair has no other node `\(node)`. There are: \(names)", requester)
    }
    // The process of an earlier one may have ended.
    serveStreams()
    guard operators.streams.hasRoom(at: now) else {
      return refuse("another stream is open to a node: try again when it has ended", requester)
    }
    guard case .serving = workerState.state, worker?.link.hasRoomForOperators == true else {
      return refuse("no worker serves now: try again", requester)
    }
    do throws(SystemError) {
      guard let socket = operators.takeConnection(of: requester, poller) else { return }
      log.notice("apply: a stream to \(node) was requested by \(name)")
      perform(try operators.streams.open(to: node, socket, poller, at: now))
    } catch {
      log.warning("apply: \(error)")
    }
  }

  /// Takes a message of another node.
  mutating func receive(_ message: StreamMessage, from node: String) {
    guard active.plan.pair?.others.contains(where: { $0.name == node }) == true else {
      return handle(worker: .faulty(reason: MessageError.invalidField("node").description))
    }
    perform(operators.streams.receive(message, from: node, own: ownName, poller, at: Clock.monotonic()))
  }

  /// Passes what there is from and to the local processes.
  mutating func serveStreams() {
    perform(operators.streams.proceed(own: ownName, poller, at: Clock.monotonic()))
  }

  /// Ends all streams.
  mutating func endStreams(reason: String) {
    perform(operators.streams.end(reason: reason, own: ownName, poller, at: Clock.monotonic()))
  }

  private mutating func perform(_ outcomes: [NodeStreams.Outcome]) {
    var isFull = false
    for outcome in outcomes {
      switch outcome {
      case .send(let message, let node):
        // A worker that takes nothing must not fill the supervisor's memory.
        guard worker?.link.hasRoomForOperators == true else {
          isFull = true
          continue
        }
        worker?.link.send(.stream(message, node: node), forOperators: true)
      case .opened(let node): log.notice("apply: \(node) has opened a stream")
      case .ended(let role, let node, let reason):
        let direction = role == .opener ? "to" : "from"
        log.notice("apply: the stream \(direction) \(node) has ended\(reason.isEmpty ? "" : ": " + reason)")
      case .invalid: handle(worker: .faulty(reason: MessageError.unexpected("stream").description))
      }
    }
    worker?.link.flush()
    if isFull, worker != nil { endStreams(reason: "the worker of \(ownName) takes nothing") }
  }

  private mutating func refuse(_ reason: String, _ requester: OperatorSocket.Requester) {
    reply(.refused([reason]), to: requester)
  }
}
