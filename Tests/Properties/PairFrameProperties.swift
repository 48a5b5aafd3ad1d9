import Balancing
import Domain
import Pair
import Wire

/// Properties of any bytes from another node: no state of the link traps, buffers more than its limits or acts after
/// its end; what reads as a message is written as the same bytes; and tables that it fills stay bounded.
///
/// The input: a byte for the state of the link (1: joined, 2: its output is full), a byte for the size of the reads into
/// which the rest is split.
package enum PairFrameProperties {
  private static let hello = PairHello(name: "lb2", release: "1", incarnation: 7)

  package static func check(_ bytes: [UInt8]) throws(Violation) {
    guard bytes.count >= 2 else { return }
    let stream = Array(bytes[2...])
    try checkMessages(stream)
    try checkLink(stream, isJoined: bytes[0] & 1 != 0, isFull: bytes[0] & 2 != 0, piece: Int(bytes[1]) + 1)
  }

  private static func checkMessages(_ stream: [UInt8]) throws(Violation) {
    var rest = stream[...]
    while rest.count >= 5 {
      let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      let frame = rest.prefix(5 + count)
      guard count <= PairFrame.payloadLimit, frame.count == 5 + count else { return }
      rest = rest.dropFirst(frame.count)
      let payload = Array(frame.dropFirst(5))
      if let facts = try? NodeFacts(decoding: payload) {
        let again = try? NodeFacts(decoding: facts.encoded())
        try require(again == facts, "facts that read otherwise")
        let vitals = NodeVitals(wall: .last)
        let differences = NodeDifference.between((facts, vitals), (facts, vitals), clock: .zero)
        try require(differences.isEmpty, "differs from itself")
      }
      if let vitals = try? NodeVitals(decoding: payload) {
        let again = try? NodeVitals(decoding: vitals.encoded())
        try require(again == vitals, "vitals that read otherwise")
      }
      guard let kind = frame.dropFirst(4).first, let message = try? PairMessage(kind: kind, payload: payload) else {
        continue
      }
      try require(message.encoded() == Array(frame), "\(message) is written otherwise")
    }
  }

  private static func checkLink(
    _ stream: [UInt8], isJoined: Bool, isFull: Bool, piece: Int
  ) throws(Violation) {
    var now = Instant(nanoseconds: 1_000_000_000_000)
    var link = PairLink(
      own: PairHello(name: "lb1", release: "1", incarnation: 1), peer: "lb2", refresh: .minutes(5), at: now)
    var peer = Peer()
    var clock = AssignmentClock(WallTime(seconds: 0), at: now)
    try peer.take(link.handle(.opened, at: now, by: &clock), at: now)
    if isJoined {
      try peer.take(link.handle(.received(PairMessage.hello(hello).encoded()), at: now, by: &clock), at: now)
    }
    if isFull { try peer.take(link.handle(.waiting(PairLink.outputLimit), at: now, by: &clock), at: now) }
    for start in stride(from: 0, to: stream.count, by: piece) {
      let bytes = Array(stream[start..<min(start + piece, stream.count)])
      try peer.take(link.handle(.received(bytes), at: now, by: &clock), at: now)
      now = now + .milliseconds(50)
      if let deadline = link.deadline, deadline <= now {
        try peer.take(link.handle(.timer, at: now, by: &clock), at: now)
      }
    }
    try peer.take(link.handle(.closed(reason: "end"), at: now, by: &clock), at: now)
    try require(peer.hasEnded && link.deadline == nil, "a link that does not end")
    try require(peer.sent <= 100 + 300 + stream.count * 20, "\(peer.sent) bytes were sent")
  }

  /// Applies a link's effects, as the rest of a node does.
  private struct Peer: ~Copyable {
    var table = AffinityTable(capacity: 20, hold: .minutes(90), hash: ClientHash(seed: 1, 2), changeLimit: 5)
    var hasEnded = false
    var sent = 0
    /// The stream that the other node has opened.
    private var stream: (number: UInt64, window: StreamWindow)?

    mutating func take(_ effects: [PairLink.Effect], at now: Instant) throws(Violation) {
      for effect in effects {
        try require(!hasEnded, "\(effect) after the end")
        switch effect {
        case .send(let bytes): sent += bytes.count
        case .merge(let batch, let moment):
          try require(moment <= now && batch.records.count <= AssignmentBatch.recordLimit, "a batch of the future")
          table.merge(batch.records[...], from: .node(1), asOf: moment, at: now)
          try require(table.count <= 20, "\(table.count) clients")
          try require(table.takeChanges(limit: 10, at: now).records.count <= 5, "more changes than the queue holds")
        case .adminStates(let some):
          try require(some.count <= PairMessage.adminStateLimit, "\(some.count) states")
        case .ended(let end, _):
          hasEnded = true
          let isPlain = !end.description.unicodeScalars.contains { $0.properties.generalCategory == .control }
          try require(isPlain, "a reason with control characters")
        case .stream(let message): try take(message)
        case .joined, .copy, .snapshotEnded, .facts, .vitals: break
        }
      }
    }

    /// This node grants nothing, so there is at most one stream, and no data in it.
    private mutating func take(_ message: StreamMessage) throws(Violation) {
      try require(message.sender == .opener, "a message of a stream that this node did not open")
      if case .open = message.content {
        try require(stream == nil, "a second stream")
        stream = (message.stream, StreamWindow(for: .acceptor))
      } else {
        try require(stream?.number == message.stream, "a message of another stream")
        try require(stream?.window.receive(message.content) == true, "\(message) has no room")
      }
      if case .close = message.content { stream = nil }
    }
  }
}
