import Balancing
import Domain
import Exchange
import HTTP1
import Wire

/// A client's connection in virtual time with the exchange on it: performs the effects as the worker does, on buffers
/// of its own, and checks each of them. A sequence of bytes replaces randomness.
struct SimulatedExchange {
  var choices: ArraySlice<UInt8>
  var now = Instant(nanoseconds: 1_000_000_000)
  var policy: ExchangePolicy
  /// The newest configuration: an exchange uses it when it selects a server.
  var newest: ExchangePolicy
  let kind: Exchange.Kind
  var exchange: Exchange
  var isOpen = true
  var isStopping = false

  // The client.
  var script: ArraySlice<UInt8> = []
  var fromClient: [UInt8] = []
  var clientEnd: StreamEnd?
  var isReset = false
  /// It has received its response.
  var hasLeft = false
  var takesResponse = true
  /// Bytes pending for the client.
  var toClient: [UInt8] = []

  // The server's side.
  var takesRequest = true
  var hasPlace = false
  var isWaiting = false
  var connection: SimulatedConnection?
  /// The server connection kept for this client since its previous request.
  var kept: SimulatedConnection?

  /// Events and effects, oldest first, if they are recorded.
  var history: [String]?

  // What became of the request.
  var number = 1
  var logs = 0
  var responses = 0
  /// Servers that may have received part of the request.
  var sends = 0
  var wasHeard = false

  init(_ input: [UInt8]) {
    choices = input[...]
    let first = choices.popFirst() ?? 0
    kind = first & 3 == 0 ? .opaque : first & 3 == 1 ? .redirected : .relayed
    var policy = ExchangePolicy()
    policy.retries = Int(first >> 2 & 3)
    policy.timeouts.tunnel = .minutes(5)
    policy.requestsPerConnection = 2
    self.policy = policy
    newest = policy
    exchange = Exchange(number: 1, kind: kind, retries: policy.retries, at: now)
  }

  var hasChoices: Bool { !choices.isEmpty }

  mutating func choose(_ count: Int) -> Int { Int(choices.popFirst() ?? 0) % count }

  // MARK: - Events

  mutating func step() throws(Violation) {
    if kind == .opaque, case .reading = exchange.state { try tell(.accepted(isLast: true)) }
    guard isOpen else { return }
    switch choose(32) {
    case 0...4: try clientSends()
    case 5...10: serverResponds()
    case 11...14: try connectionComes()
    case 15...17: try queueMoves()
    case 18: if choose(4) == 0 { clientEnd = clientEnd ?? [.closed, .cut, .flooded][choose(3)] }
    case 19: if choose(4) == 0 { try clientLeaves(isFlood: choose(2) == 0) }
    case 20: connection?.end = .closed
    case 21: connection?.end = .cut
    case 22: connection?.isWriteBroken = true
    case 23: now = now + .seconds(UInt64(choose(40)))
    case 24: try letTimerFire()
    case 25: try tell(.serverDown(ServerPresence.allCases[choose(3)], keeps: choose(2) == 0, isLast: choose(2) == 0))
    case 26:
      isStopping = isStopping || choose(8) == 0
      if isStopping { try tell(.stop) }
    case 27: takesResponse = choose(4) != 0
    case 28: takesRequest = choose(4) != 0
    case 29: reload()
    case 30: isReset = choose(8) == 0
    default: if choose(3) == 0 { try abandon() }
    }
    for _ in 0..<4 where isOpen { try pump() }
  }

  /// Nothing happens until the next deadline.
  mutating func letTimerFire() throws(Violation) {
    let backlog = backlog
    if case .later(let due) = exchange.expiry(policy.timeouts, backlog: backlog, at: now) { now = due }
    let effects = exchange.handle(.timer(backlog), policy: policy, at: now)
    try require(!effects.isEmpty, "nothing comes of the time-out of \(stateName)")
    try perform(effects)
    for _ in 0..<4 where isOpen { try pump() }
  }

  mutating func clientLeaves(isFlood: Bool) throws(Violation) {
    hasLeft = true
    try tell(.clientLeft(isFlood: isFlood))
  }

  /// The connection is closed, whatever becomes of the exchange.
  mutating func abandon() throws(Violation) {
    (hasLeft, isOpen) = (true, false)
    history?.append("abandoned")
    try perform(exchange.handle(.abandoned(isStopping: isStopping), policy: policy, at: now))
    kept = nil
  }

  mutating func reload() {
    newest.retries = choose(4)
    let times: [WritableKeyPath<Timeouts, Interval>] = [\.queue, \.server, \.client, \.connect, \.connectTotal]
    for time in times { newest.timeouts[keyPath: time] = .seconds(UInt64(1 + choose(60))) }
  }

  mutating func clientSends() throws(Violation) {
    if script.isEmpty { script = ArraySlice(Self.requests[choose(Self.requests.count)].utf8) }
    let count = choose(3) == 0 ? min(script.count, 1 + choose(20)) : script.count
    guard clientEnd == nil else { return }
    fromClient += script.prefix(count)
    exchange.received(count)
    script = script.dropFirst(count)
  }

  mutating func serverResponds() {
    let (which, pieces) = (choose(Self.responses.count), choose(3))
    guard connection?.end == nil, var response = connection?.response else { return }
    if response.isEmpty { response = ArraySlice(Self.responses[which].utf8) }
    let count = pieces == 0 ? min(response.count, 10) : response.count
    connection?.fromServer += response.prefix(count)
    connection?.response = response.dropFirst(count)
  }

  mutating func queueMoves() throws(Violation) {
    guard isWaiting else { return }
    isWaiting = false
    hasPlace = choose(3) != 0
    try tell(hasPlace ? .placed(isOther: false) : .displaced)
  }

  mutating func connectionComes() throws(Violation) {
    guard case .connecting = exchange.state else { return }
    switch choose(4) {
    case 0: try tell(.connectFailed(isShortage: false))
    case 1: try tell(.connectFailed(isShortage: true))
    default: try tell(.connected(isReused: false))
    }
  }

  // MARK: - Invariants

  mutating func checkInvariants() throws(Violation) {
    guard isOpen else { return }
    let (needsPlace, needsConnection) =
      switch exchange.state {
      case .reading, .placing, .queued, .replying, .done: (false, false)
      case .paused: (true, false)
      case .connecting, .relaying: (true, true)
      }
    try require(hasPlace == needsPlace, "\(stateName) with a place: \(hasPlace)")
    try require((connection != nil) == needsConnection, "\(stateName) with a connection: \(connection != nil)")
    if case .queued = exchange.state { try require(isWaiting, "queued nowhere") }
    let earliest = exchange.earliestExpiry(policy.timeouts)
    try require(earliest < .distantFuture, "\(stateName) has no deadline")
    guard case .later(let due) = exchange.expiry(policy.timeouts, backlog: backlog, at: now) else { return }
    try require(earliest <= due, "the timer of \(stateName) fires too late")
  }

  /// The exchange is over: it was logged if a request was begun, and nothing of the server is held.
  func checkEnd() throws(Violation) {
    guard case .done = exchange.state else { throw Violation("it ends while \(stateName)") }
    try require(logs == (exchange.record.began == nil ? 0 : 1), "logged \(logs) times")
    try require(!hasPlace && !isWaiting && connection == nil, "it ends with something of a server's")
    let isOwed = exchange.record.began != nil && kind != .opaque && !hasLeft
    try require(responses == 1 || responses == 0 && !isOwed, "\(responses) responses")
  }

  /// The name of the case, without associated values.
  var stateName: String { String("\(exchange.state)".prefix(while: \.isLetter)) }
}
