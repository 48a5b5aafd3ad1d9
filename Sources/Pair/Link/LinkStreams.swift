import Domain

/// The streams on a link: what this node has yet to send, and which messages of the other node belong to one.
///
/// Invariant: at most one stream for each role of this node. What is queued is limited by the windows of those two.
struct LinkStreams: Sendable {
  private struct Carried {
    let number: UInt64
    var window: StreamWindow
  }

  /// By the role of this node.
  private var carried: [StreamMessage.Sender: Carried] = [:]
  private var queue: [StreamMessage] = []

  /// Whether a stream has begun and not ended, or its end is still to be sent.
  var areOpen: Bool { !carried.isEmpty || !queue.isEmpty }

  /// Queues a message of this node. One of a stream that the other node has ended, or that another link carried, is
  /// dropped.
  mutating func queue(_ message: StreamMessage) {
    let role = message.sender
    if case .open = message.content {
      carried[role] = Carried(number: message.stream, window: StreamWindow(for: role))
    }
    guard carried[role]?.number == message.stream, carried[role]?.window.send(message.content) == true else { return }
    if case .close = message.content { carried[role] = nil }
    queue.append(message)
  }

  /// The next message to be sent.
  mutating func next() -> StreamMessage? { queue.isEmpty ? nil : queue.removeFirst() }

  /// Takes a message of the other node; false when it belongs to a stream that this node has ended. Throws when the
  /// other node may not send it.
  mutating func receive(_ message: StreamMessage) throws(PairError) -> Bool {
    let role = message.sender.other
    if case .open = message.content {
      guard carried[role] == nil else { throw .unexpected("open") }
      carried[role] = Carried(number: message.stream, window: StreamWindow(for: role))
      return true
    }
    guard carried[role]?.number == message.stream else { return false }
    guard carried[role]?.window.receive(message.content) == true else { throw .unexpected("stream") }
    if case .close = message.content { carried[role] = nil }
    return true
  }

  /// The ends of all streams, as if the other node had sent them.
  func closings(reason: String) -> [StreamMessage] {
    carried.map { StreamMessage(.close(reason: reason), from: $0.other, of: $1.number) }
  }
}
