import Domain
import Glibc
import Linux
import Wire

/// The streams between processes here and on other nodes: at most one that a process here opened, and one that another
/// node has opened.
struct NodeStreams {
  enum Outcome {
    case send(StreamMessage, node: String)
    /// Another node has opened a stream.
    case opened(from: String)
    /// The stream of this role has ended. An empty reason: a process has closed its connection.
    case ended(StreamMessage.Sender, node: String, reason: String)
    /// The worker has let an invalid message through.
    case invalid
  }

  /// The least time between the beginnings of two streams that other nodes open, so that a worker that means no good
  /// can't start processes without end.
  static let interval = Interval.seconds(2)

  /// The path of the receiver's socket.
  private let receiver: String
  /// By the role of this node.
  private var connections: [StreamMessage.Sender: StreamConnection] = [:]
  /// When the next process may be connected.
  private var nextIncoming = Instant(nanoseconds: 0)

  init(receiver: String) { self.receiver = receiver }

  /// When `proceed` is due.
  var deadline: Instant? { connections.values.compactMap(\.deadline).min() }

  /// Whether a process here may open a stream.
  mutating func hasRoom(at now: Instant) -> Bool {
    removeOver(at: now)
    return connections[.opener] == nil
  }

  /// Opens a stream for a process of this node, with its connection.
  mutating func open(
    to node: String, _ socket: consuming Descriptor, _ poller: borrowing Poller, at now: Instant
  ) throws(SystemError) -> [Outcome] {
    try poller.watch(socket, token: SupervisorToken(.streams).rawValue)
    let connection = StreamConnection(to: node, number: now.nanoseconds, SharedDescriptor(socket), at: now)
    connections[.opener] = connection
    return [.send(connection.opening, node: node)]
  }

  /// Takes a message of another node; `own`: the name of this one.
  mutating func receive(
    _ message: StreamMessage, from node: String, own: String, _ poller: borrowing Poller, at now: Instant
  ) -> [Outcome] {
    if case .open = message.content { return accept(message.stream, from: node, own: own, at: now) }
    let role = message.sender.other
    guard let connection = connections[role], connection.number == message.stream, connection.node == node else {
      return []
    }
    return handle(.received(message.content), role, own: own, poller, at: now)
  }

  /// Passes what there is from and to the local processes, and lets time pass.
  mutating func proceed(own: String, _ poller: borrowing Poller, at now: Instant) -> [Outcome] {
    var outcomes: [Outcome] = []
    for role in StreamMessage.Sender.allCases {
      let found = connections[role]?.proceed(at: now) ?? []
      outcomes += perform(found, role, own: own, poller, at: now)
    }
    removeOver(at: now)
    return outcomes
  }

  /// Ends both streams.
  mutating func end(reason: String, own: String, _ poller: borrowing Poller, at now: Instant) -> [Outcome] {
    var outcomes: [Outcome] = []
    for role in StreamMessage.Sender.allCases {
      outcomes += handle(.abort(reason: reason), role, own: own, poller, at: now)
    }
    return outcomes + proceed(own: own, poller, at: now)
  }

  private mutating func accept(_ number: UInt64, from node: String, own: String, at now: Instant) -> [Outcome] {
    removeOver(at: now)
    guard connections[.acceptor] == nil else {
      let busy = StreamMessage.Content.close(reason: "\(own) is busy with another stream: try again")
      return [.send(StreamMessage(busy, from: .acceptor, of: number), node: node)]
    }
    connections[.acceptor] = StreamConnection(from: node, number: number, at: max(now, nextIncoming), now: now)
    return [.opened(from: node)]
  }

  private mutating func handle(
    _ event: NodeStream.Event, _ role: StreamMessage.Sender, own: String, _ poller: borrowing Poller, at now: Instant
  ) -> [Outcome] {
    let found = connections[role]?.handle(event, at: now) ?? []
    return perform(found, role, own: own, poller, at: now)
  }

  private mutating func perform(
    _ found: [StreamConnection.Outcome], _ role: StreamMessage.Sender, own: String, _ poller: borrowing Poller,
    at now: Instant
  ) -> [Outcome] {
    guard let node = connections[role]?.node else { return [] }
    var outcomes: [Outcome] = []
    for outcome in found {
      switch outcome {
      case .send(let message): outcomes.append(.send(message, node: node))
      case .connect: outcomes += connect(own: own, poller, at: now)
      case .ended(let reason): outcomes.append(.ended(role, node: node, reason: reason))
      case .invalid: outcomes.append(.invalid)
      }
    }
    return outcomes
  }

  /// Connects the receiver.
  private mutating func connect(own: String, _ poller: borrowing Poller, at now: Instant) -> [Outcome] {
    nextIncoming = now + Self.interval
    let reason: String
    do throws(SystemError) {
      let socket = try LocalSocket.connect(to: receiver)
      try poller.watch(socket, token: SupervisorToken(.streams).rawValue)
      let found = connections[.acceptor]?.connected(SharedDescriptor(socket), at: now) ?? []
      return perform(found, .acceptor, own: own, poller, at: now)
    } catch {
      reason =
        switch error.code {
        case ENOENT, ECONNREFUSED: "apply is not enabled on \(own): systemctl enable --now belvedere-apply.socket"
        case EAGAIN: "\(own) is busy with other requests: try again"
        default: "\(own) can't pass it on: \(error)"
        }
    }
    return handle(.abort(reason: reason), .acceptor, own: own, poller, at: now)
  }

  private mutating func removeOver(at now: Instant) { connections = connections.filter { !$1.isOver(at: now) } }
}
