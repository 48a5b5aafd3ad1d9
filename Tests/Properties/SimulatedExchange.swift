import Balancing
import Domain
import Exchange
import HTTP1
import Wire

/// A client's connection in virtual time with the exchange on it: performs the effects as the worker does, on buffers of
/// its own, and checks each of them. Chance is a sequence of bytes.
struct SimulatedExchange {
  private var choices: ArraySlice<UInt8>
  private var now = Instant(nanoseconds: 1_000_000_000)
  private var policy: ExchangePolicy
  /// What the latest reload brought: an exchange takes it when it looks for a server.
  private var newest: ExchangePolicy
  private let kind: Exchange.Kind
  private var exchange: Exchange
  private(set) var isOpen = true
  private var isStopping = false

  // The client.
  private var script: ArraySlice<UInt8> = []
  private var fromClient: [UInt8] = []
  private var clientEnd: StreamEnd?
  private var takesAnswer = true
  /// Waits to go out to the client.
  private var toClient: [UInt8] = []

  // The server's side.
  private var takesRequest = true
  private var hasPlace = false
  private var isWaiting = false
  private var connection: SimulatedConnection?

  /// Events and effects, oldest first, where somebody wants to know.
  var history: [String]?

  // What became of the request.
  private var logs = 0
  private var answers = 0
  /// Servers that may have seen something of the request.
  private var sends = 0
  private var wasHeard = false

  init(_ input: [UInt8]) {
    choices = input[...]
    let first = choices.popFirst() ?? 0
    kind = first & 3 == 0 ? .opaque : first & 3 == 1 ? .redirected : .relayed
    var policy = ExchangePolicy()
    policy.retries = Int(first >> 2 & 3)
    policy.timeouts.tunnel = .minutes(5)
    self.policy = policy
    newest = policy
    exchange = Exchange(number: 1, kind: kind, retries: policy.retries, at: now)
  }

  var hasChoices: Bool { !choices.isEmpty }

  private mutating func choose(_ count: Int) -> Int { Int(choices.popFirst() ?? 0) % count }

  // MARK: - What happens

  mutating func step() throws(Violation) {
    if kind == .opaque, case .reading = exchange.state { try tell(.accepted(isLast: true)) }
    guard isOpen else { return }
    switch choose(20) {
    case 0, 1, 2: try clientSends()
    case 3, 4, 5: serverAnswers()
    case 6: clientEnd = clientEnd ?? [.closed, .cut, .flooded][choose(3)]
    case 7: try tell(.clientLeft(isFlood: choose(2) == 0))
    case 8: connection?.end = .closed
    case 9: connection?.end = .cut
    case 10: connection?.isWriteBroken = true
    case 11: now = now + .seconds(UInt64(choose(40)))
    case 12: try letTimerFire()
    case 13: try tell(.serverDown(ServerPresence.allCases[choose(3)], keeps: choose(2) == 0, isLast: choose(2) == 0))
    case 14: try queueMoves()
    case 15:
      isStopping = choose(8) == 0
      if isStopping { try tell(.stop) }
    case 16: takesAnswer.toggle()
    case 17: reload()
    case 18: takesRequest.toggle()
    default: try connectionComes()
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

  private mutating func reload() {
    newest.retries = choose(4)
    let times: [WritableKeyPath<Timeouts, Interval>] = [\.queue, \.server, \.client, \.connect, \.connectTotal]
    for time in times { newest.timeouts[keyPath: time] = .seconds(UInt64(1 + choose(60))) }
  }

  private mutating func clientSends() throws(Violation) {
    if script.isEmpty { script = ArraySlice(Self.requests[choose(Self.requests.count)].utf8) }
    let count = choose(3) == 0 ? min(script.count, 1 + choose(20)) : script.count
    guard clientEnd == nil else { return }
    fromClient += script.prefix(count)
    exchange.received(count)
    script = script.dropFirst(count)
  }

  private mutating func serverAnswers() {
    let (which, pieces) = (choose(Self.answers.count), choose(3))
    guard connection?.end == nil, var answer = connection?.answer else { return }
    if answer.isEmpty { answer = ArraySlice(Self.answers[which].utf8) }
    let count = pieces == 0 ? min(answer.count, 10) : answer.count
    connection?.fromServer += answer.prefix(count)
    connection?.answer = answer.dropFirst(count)
  }

  private mutating func queueMoves() throws(Violation) {
    guard isWaiting else { return }
    isWaiting = false
    hasPlace = choose(3) != 0
    try tell(hasPlace ? .placed(isOther: false) : .displaced)
  }

  private mutating func connectionComes() throws(Violation) {
    guard case .connecting = exchange.state else { return }
    switch choose(4) {
    case 0: try tell(.connectFailed(isShortage: false))
    case 1: try tell(.connectFailed(isShortage: true))
    default: try tell(.connected(isReused: false))
    }
  }

  // MARK: - Moving bytes, as the worker does

  private mutating func pump() throws(Violation) {
    switch exchange.state {
    case .reading: try readHead()
    case .relaying:
      if try leaves() { return }
      try pumpUp()
      if isOpen { try pumpDown() }
      guard isOpen else { return }
      let isTaken = connection?.toServer.isEmpty == true
      try perform(exchange.relayed(isSent: toClient.isEmpty, isTaken: isTaken, isStopping: isStopping))
    case .replying:
      guard takesAnswer else { return }
      exchange.delivered(toClient.count, at: now)
      toClient = []
      try tell(.replied)
    default: _ = try leaves()
    }
  }

  private mutating func leaves() throws(Violation) -> Bool {
    guard exchange.isAbandoned(hasEnded: clientEnd != nil, isReset: false) else { return false }
    try tell(.clientLeft(isFlood: false))
    return true
  }

  private mutating func readHead() throws(Violation) {
    guard kind != .opaque else { return }
    let bytes = fromClient
    var reading = exchange.readRequestHead(bytes.span, end: clientEnd, policy: policy, at: now)
    try overwriteRequest(&reading, end: nil)
    if reading.step == .head { try tell(choose(16) == 15 ? .denied(.hostNotServed) : .accepted(isLast: isStopping)) }
    try perform(reading.effects)
  }

  private mutating func overwriteRequest(
    _ reading: inout (step: RequestStep, effects: Effects), end: StreamEnd?
  ) throws(Violation) {
    while let (offset, octet) = exchange.takeOverwrite() {
      try require(fromClient.indices.contains(offset), "a byte that is not there is written over")
      fromClient[offset] = octet
      let bytes = fromClient
      let rest = exchange.readRequestBody(bytes.span, end: end, at: now)
      if !rest.effects.isEmpty { reading = rest }
    }
  }

  private mutating func pumpUp() throws(Violation) {
    guard !exchange.isRequestWriteClosed else { return }
    guard connection?.isWriteBroken == false else { return exchange.closeRequestWrite() }
    let pending = exchange.requestCursor.pending
    if connection?.toServer.isEmpty == false || pending > 0 { try noteSent() }
    connection?.toServer = []
    exchange.sentRequest(takesRequest ? pending : pending / 2, at: now)
    connection?.isBehind = exchange.requestCursor.pending > 0
    guard connection?.isBehind == false else { return }
    if exchange.isAnswering { fromClient.removeFirst(exchange.dropSentRequest()) }
    switch exchange.requestSide {
    case .head, .complete: return
    case .body, .tunnel: break
    }
    let bytes = fromClient
    var reading = exchange.readRequestBody(bytes.span, end: clientEnd, at: now)
    try overwriteRequest(&reading, end: clientEnd)
    try perform(reading.effects)
  }

  /// Something of the request may reach a server now.
  private mutating func noteSent() throws(Violation) {
    guard connection?.hasRequest == false else { return }
    connection?.hasRequest = true
    sends += 1
    guard sends > 1 else { return }
    try require(exchange.request?.isIdempotent == true, "a request that may not be repeated was sent twice")
    try require(!wasHeard, "a request that was being answered was sent again")
  }

  private mutating func pumpDown() throws(Violation) {
    guard takesAnswer else { return }
    if !toClient.isEmpty { exchange.delivered(toClient.count, at: now) }
    toClient = []
    let pending = exchange.responseCursor.pending
    if pending > 0 {
      exchange.delivered(pending, at: now)
      connection?.fromServer.removeFirst(exchange.movedResponse(pending))
    }
    try readAnswer(end: connection?.end)
  }

  private mutating func readAnswer(end: StreamEnd?) throws(Violation) {
    guard exchange.responseSide != .complete else { return }
    while isOpen, let bytes = connection?.fromServer {
      if !bytes.isEmpty { wasHeard = true }
      var sink = ByteWriter(limit: 1 << 16)
      let (step, effects) = exchange.readResponse(bytes.span, end: end, policy: policy, at: now, into: &sink)
      toClient += sink.bytes
      if let (offset, octet) = exchange.takeOverwrite() {
        connection?.fromServer[offset] = octet
        continue
      }
      guard step == .head else { return try perform(effects) }
      if exchange.hasAnswerHead { answers += 1 }
      connection?.fromServer.removeFirst(exchange.movedResponse(0))
    }
  }

  private var backlog: Backlog {
    var backlog: Backlog = []
    if !toClient.isEmpty || exchange.responseCursor.pending > 0 { backlog.insert(.toClient) }
    if exchange.requestCursor.pending > 0 || connection?.toServer.isEmpty == false { backlog.insert(.toServer) }
    return backlog
  }

  // MARK: - Performing

  private mutating func tell(_ event: Exchange.Event) throws(Violation) {
    guard isOpen else { return }
    history?.append("\(event)")
    try perform(exchange.handle(event, policy: policy, at: now))
  }

  private mutating func perform(_ wanted: Effects) throws(Violation) {
    var effects = wanted
    while let effect = effects.next() {
      history?.append("→ \(effect)")
      switch effect {
      case .suspectServer, .hastenChecks, .checkServer:
        try require(hasPlace, "a server is suspected where none was chosen")
      case .discardOutput:
        toClient = []
        answers = 0
      case .passOnAnswer:
        let count = connection?.fromServer.count ?? 0
        try require(effects.approvedBytes <= count, "\(effects.approvedBytes) of \(count) bytes are passed on")
      case .resetServer, .resetClient, .excludeServer, .sendEnd: break
      case .log:
        logs += 1
        try require(logs == 1 && exchange.record.began != nil, "logged \(logs) times")
      case .dropConnection: connection = nil
      case .keepConnection:
        try require(connection != nil && connection?.end == nil, "a connection is kept that is none")
        let isSent = connection?.toServer.isEmpty == true && connection?.isBehind == false
        try require(isSent, "a connection is kept with a request that did not leave")
        connection = nil
      case .leavePlace: (hasPlace, isWaiting) = (false, false)
      case .place: effects = try place()
      case .connect: effects = try connect(mayReuse: true)
      case .connectAnew: effects = try connect(mayReuse: false)
      case .sendHead: effects = try sendHead()
      case .reply:
        try answer()
        if choose(16) == 15 { effects = exchange.handle(.pageTooLarge, policy: policy, at: now) }
      case .redirect:
        try answer()
        if choose(16) == 15 {
          answers = 0
          effects = exchange.handle(.redirectTooLarge, policy: policy, at: now)
        }
      case .awaitNext:
        fromClient.removeFirst(exchange.dropRequest())
        try begin()
      case .linger, .close: isOpen = false
      }
    }
    try checkInvariants()
  }

  private mutating func place() throws(Violation) -> Effects {
    try require(!hasPlace && !isWaiting && connection == nil, "a place is asked for while one is held")
    policy = newest
    let event: Exchange.Event
    switch choose(8) {
    case 0: event = .noServer
    case 1: event = .queueFull(isOther: false)
    case 2, 3:
      isWaiting = true
      event = .queued(isOther: choose(2) == 0)
    default:
      hasPlace = true
      event = .placed(isOther: choose(2) == 0)
    }
    return exchange.handle(event, policy: policy, at: now)
  }

  private mutating func connect(mayReuse: Bool) throws(Violation) -> Effects {
    try require(hasPlace && connection == nil, "a connection is asked for without a place, or beside another")
    connection = SimulatedConnection()
    if mayReuse, kind == .relayed, choose(2) == 0 {
      return exchange.handle(.connected(isReused: true), policy: policy, at: now)
    }
    let effects = exchange.handle(.connecting, policy: policy, at: now)
    guard choose(8) == 7 else { return effects }
    return exchange.handle(.connectFailed(isShortage: true), policy: policy, at: now)
  }

  private mutating func sendHead() throws(Violation) -> Effects {
    var sink = ByteWriter(limit: 1 << 16)
    let forwarding = ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: true)
    let bytes = fromClient
    exchange.sendRequestHead(from: bytes.span, forwarding: forwarding, keepAlive: true, into: &sink)
    connection?.toServer = sink.bytes
    guard choose(32) == 31 else { return Effects.none }
    connection?.toServer = []
    return exchange.handle(.requestHeadTooLarge, policy: policy, at: now)
  }

  private mutating func answer() throws(Violation) {
    try require(answers == 0, "a request that was answered is answered with a page")
    answers = 1
    toClient += Array("page".utf8)
    let expiry = exchange.expiry(policy.timeouts, backlog: .toClient, at: now)
    guard case .later = expiry else { throw Violation("a page has no time to be taken") }
  }

  /// The next request on the same connection.
  private mutating func begin() throws(Violation) {
    try checkEnd()
    try require(answers == 1, "the next request comes after \(answers) answers")
    exchange = Exchange(number: 2, kind: kind, retries: policy.retries, at: now)
    exchange.received(fromClient.count)
    (logs, answers, sends, wasHeard) = (0, 0, 0, false)
  }

  // MARK: - What must hold

  private mutating func checkInvariants() throws(Violation) {
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
    try require(answers <= 1, "\(answers) answers")
  }

  /// The case alone, without what it carries.
  var stateName: String { String("\(exchange.state)".prefix(while: \.isLetter)) }
}
