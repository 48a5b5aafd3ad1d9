import Configuration
import Linux
import Logging
import Pair
import Wire

/// Another node, as far as this one knows it.
struct PairPeer {
  let node: Configuration.Pair.Node
  /// Whether this node makes the connections.
  let isDialed: Bool
  /// The connection that has joined.
  private(set) var joined: SlabKey?
  /// When to make a connection; nil while there is one, or where the other node makes them.
  private(set) var dialAt: Instant?
  /// Which secret to offer.
  private(set) var offer = 0
  /// It has sent its tables since the start, or has none.
  var hasSentTables = false
  var unreported = UnreportedNode()
  /// When all streams that it opened so far would have begun at intervals of `streamInterval`.
  private var nextStream = Instant(nanoseconds: 0)
  private var redial = Redial()
  private var awaySince: Instant
  /// Why it is away, or was last.
  private(set) var reason: String
  /// The reasons that were logged since it went away.
  private var logged: Set<String> = []

  /// How long a node may be away before this is logged, unless it had joined.
  private static let absence = Interval.seconds(3)
  /// The least time between the beginnings of two streams in the long run.
  private static let streamInterval = Interval.milliseconds(200)
  /// How far they may be ahead of that.
  private static let streamBurst = Interval.seconds(2)
  /// Maximum of reasons logged for one absence.
  private static let reasonLimit = 8

  init(_ node: Configuration.Pair.Node, isDialed: Bool, at now: Instant) {
    self.node = node
    self.isDialed = isDialed
    dialAt = isDialed ? now : nil
    awaySince = now
    reason = isDialed ? "it does not answer" : "it does not connect to this node"
  }

  /// The journal's fields of lines about it.
  var metadata: Logger.Metadata { ["node": "\(node.name)"] }

  /// Whether it may open a stream now: each is an event for the supervisor.
  mutating func admitsStream(at now: Instant) -> Bool {
    guard nextStream <= now + Self.streamBurst else { return false }
    nextStream = max(now, nextStream) + Self.streamInterval
    return true
  }

  /// A connection is being made.
  mutating func dialed() { dialAt = nil }

  /// Takes note that it has joined; returns the connection that had joined before.
  mutating func join(_ key: SlabKey) -> SlabKey? {
    redial.joined()
    defer { joined = key }
    return joined
  }

  /// It had joined, and has left for a reason that was logged.
  mutating func left(_ reason: String, at now: Instant, random: UInt64) {
    joined = nil
    awaySince = now
    self.reason = reason
    logged = [reason]
    if isDialed { dialAt = now + redial.pause(random: random) }
  }

  /// An attempt of either side has failed.
  mutating func failed(_ reason: String) {
    if joined == nil { self.reason = reason }
  }

  /// A connection that this node made has ended before it joined. Another one follows, at once where there is a secret,
  /// of `count`, that was not offered.
  mutating func retry(hasOtherSecret: Bool, of count: Int, at now: Instant, random: UInt64) {
    offer = hasOtherSecret && offer + 1 < count ? offer + 1 : 0
    dialAt = offer > 0 ? now : now + redial.pause(random: random)
  }

  /// Why it is away, where that is to be logged.
  mutating func takeAbsence(at now: Instant) -> String? {
    guard joined == nil, now - awaySince >= Self.absence, logged.count < Self.reasonLimit else { return nil }
    return logged.insert(reason).inserted ? reason : nil
  }
}

/// Facts and vitals of another node that were not passed to the supervisor yet. A node that sends them more often than
/// it should causes no more messages to the supervisor, and does not delay those of the others.
struct UnreportedNode {
  var facts: [UInt8]?
  var vitals: [UInt8]?
  /// When facts were reported last.
  private(set) var lastFacts = Instant(nanoseconds: 0)
  private var nextVitals = Instant(nanoseconds: 0)

  /// The least time between two reports of a node's vitals.
  private static let pause = Interval.milliseconds(250)

  /// The facts, which are reported now.
  mutating func takeFacts(at now: Instant) -> [UInt8]? {
    lastFacts = now
    return facts.take()
  }

  /// The vitals, if they are to be reported now.
  mutating func takeVitals(at now: Instant) -> [UInt8]? {
    guard now >= nextVitals, let vitals = vitals.take() else { return nil }
    nextVitals = now + Self.pause
    return vitals
  }
}
