import Domain
import WorkerProtocol

/// Events that are not sent yet, oldest first. A newer event replaces an older one with the same topic.
struct PendingEvents {
  /// Of two events with the same topic, only the newer one needs to be sent.
  private enum Topic: Hashable {
    case load
    case state(ServerIdentity)
    case serverLoad(ServerIdentity)
    case check(ServerIdentity)
    case adminState(String)
    case nodeVitals(String)
    case serverCounts(ServerIdentity)
    case serviceFigures(String)
    case workerCounts
    case loopCounts(UInt16)

    init?(_ event: WorkerEvent) {
      switch event {
      case .load: self = .load
      case .serverChanged(let change): self = .state(change.identity)
      case .serverLoad(_, let identity): self = .serverLoad(identity)
      case .serverCheck(_, let identity): self = .check(identity)
      case .adminState(_, let server): self = .adminState(server)
      case .nodeVitals(_, let node): self = .nodeVitals(node)
      case .serverCounts(_, let identity): self = .serverCounts(identity)
      case .serviceFigures(_, let name): self = .serviceFigures(name)
      case .workerCounts: self = .workerCounts
      case .loopCounts(_, let loop): self = .loopCounts(loop)
      case .hello, .ready, .refused, .stopped, .applied, .certificate, .clientAuthority, .problem, .tablesReceived,
        .nodeFacts, .stream, .traced:
        return nil
      }
    }
  }

  /// The pending events start at `head`; replaced ones are nil.
  private var events: [WorkerEvent?] = []
  private var head = 0
  /// Number of nil elements from `head` on.
  private var replaced = 0
  private var newest: [Topic: Int] = [:]

  var isEmpty: Bool { head == events.count }

  /// The oldest event.
  var first: WorkerEvent? { isEmpty ? nil : events[head] }

  mutating func append(_ event: WorkerEvent) {
    if let topic = Topic(event) {
      if let older = newest.updateValue(events.count, forKey: topic) {
        events[older] = nil
        replaced += 1
      }
    }
    events.append(event)
    tidyUp()
  }

  mutating func removeFirst() {
    if let event = first, let topic = Topic(event) { newest[topic] = nil }
    head += 1
    tidyUp()
  }

  /// Skips replaced events, and releases the unused elements once they are the larger part of the list.
  private mutating func tidyUp() {
    while head < events.count, events[head] == nil {
      head += 1
      replaced -= 1
    }
    let over = head + replaced
    guard over == events.count || over > 1024 && over * 2 > events.count else { return }
    events = events[head...].filter { $0 != nil }
    (head, replaced) = (0, 0)
    for (index, event) in events.enumerated() {
      if let topic = event.flatMap(Topic.init) { newest[topic] = index }
    }
  }

  /// Number of elements in the list, including unused ones.
  var capacity: Int { events.count }
}
