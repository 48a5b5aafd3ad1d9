import Domain
import Wire

/// A link after both nodes have said hello: what is still to be sent, and what has come in part.
struct JoinedLink: Sendable {
  var lastHeard: Instant
  var nextKeepalive: Instant
  /// When there was room in the output, or the peer took some of it.
  var lastRoom: Instant
  var pass: AssignmentPass
  private var adminStates: [String: AdminState] = [:]
  private var facts: ArraySlice<FactsPiece> = []
  /// The bytes of their facts, from the first piece on.
  private var theirFacts: [UInt8]?

  /// Pieces before the last one have at least so many bytes, so that a long series is not copied too often.
  private static let smallestPiece = 1024

  init(refresh: Interval, at now: Instant) {
    lastHeard = now
    nextKeepalive = now + PairLink.Pace.keepalive
    lastRoom = now
    pass = AssignmentPass(refresh: refresh, at: now)
  }

  var deadline: Instant { min(nextKeepalive, lastHeard + PairLink.Pace.silence) }

  mutating func queue(_ states: [String: AdminState]) { adminStates.merge(states) { $1 } }

  /// Pieces of earlier facts that were not sent are dropped.
  mutating func queue(_ facts: NodeFacts) {
    let bytes = facts.encoded()
    let starts = stride(from: 0, to: bytes.count, by: PairMessage.factsPieceBytes)
    self.facts =
      starts.map { start in
        let end = min(start + PairMessage.factsPieceBytes, bytes.count)
        return FactsPiece(isFirst: start == 0, isLast: end == bytes.count, bytes: Array(bytes[start..<end]))
      }[...]
  }

  /// The next message that is not one of assignments.
  mutating func next() -> PairMessage? {
    if !adminStates.isEmpty {
      let some = Dictionary(uniqueKeysWithValues: adminStates.prefix(PairMessage.adminStateLimit).map { ($0, $1) })
      for server in some.keys { adminStates[server] = nil }
      return .adminStates(some)
    }
    return facts.popFirst().map { .facts($0) }
  }

  /// Takes a piece; the facts when it was the last one.
  mutating func receive(_ piece: FactsPiece) throws(PairError) -> NodeFacts? {
    if piece.isFirst { theirFacts = [] }
    guard var bytes = theirFacts, piece.isLast || piece.bytes.count >= Self.smallestPiece else {
      throw .unexpected("facts")
    }
    bytes += piece.bytes
    guard bytes.count <= NodeFacts.byteLimit else { throw .tooLong(bytes.count) }
    theirFacts = piece.isLast ? nil : bytes
    return piece.isLast ? try NodeFacts(decoding: bytes) : nil
  }
}
