import Domain
import Wire

/// A link after both `hello` messages: what is still to be sent, and messages received in part.
struct JoinedLink: Sendable {
  var lastHeard: Instant
  var nextKeepalive: Instant
  /// When there was room in the output, or the peer took some of it.
  var lastRoom: Instant
  var pass: AssignmentPass
  var streams = LinkStreams()
  private var adminStates: [String: AdminState] = [:]
  private var facts: ArraySlice<BytePiece> = []
  private var vitals: [UInt8]?
  private var theirFacts = PieceBuffer(limit: NodeFacts.byteLimit)

  init(refresh: Interval, at now: Instant) {
    lastHeard = now
    nextKeepalive = now + PairLink.Pace.keepalive
    lastRoom = now
    pass = AssignmentPass(refresh: refresh, at: now)
  }

  var deadline: Instant { min(nextKeepalive, lastHeard + PairLink.Pace.silence) }

  mutating func queue(_ states: [String: AdminState]) { adminStates.merge(states) { $1 } }

  /// Pieces of earlier facts that were not sent are dropped.
  mutating func queue(facts bytes: [UInt8]) { facts = BytePiece.pieces(of: bytes)[...] }

  /// Earlier vitals that were not sent are dropped.
  mutating func queue(vitals bytes: [UInt8]) { vitals = bytes }

  /// The next message that is not one of assignments.
  mutating func next() -> PairMessage? {
    if let vitals = vitals.take() { return .vitals(vitals) }
    if !adminStates.isEmpty {
      let some = Dictionary(uniqueKeysWithValues: adminStates.prefix(PairMessage.adminStateLimit).map { ($0, $1) })
      for server in some.keys { adminStates[server] = nil }
      return .adminStates(some)
    }
    return facts.popFirst().map { .facts($0) }
  }

  /// Takes a piece; the encoded facts when it was the last one.
  mutating func receive(_ piece: BytePiece) throws(PairError) -> [UInt8]? {
    do throws(PieceBuffer.Failure) { return try theirFacts.append(piece) } catch { throw .unexpected("facts") }
  }
}
