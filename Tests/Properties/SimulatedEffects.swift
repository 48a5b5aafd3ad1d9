import Balancing
import Exchange
import HTTP1
import Wire

/// Effects are performed as in the worker, and checked.
extension SimulatedExchange {
  mutating func tell(_ event: Exchange.Event) throws(Violation) {
    guard isOpen else { return }
    history?.append("\(event)")
    try perform(exchange.handle(event, policy: policy, at: now))
  }

  mutating func perform(_ wanted: Effects) throws(Violation) {
    var effects = wanted
    while let effect = effects.next() {
      history?.append("→ \(effect)")
      switch effect {
      case .suspectServer, .hastenChecks, .checkServer:
        try require(hasPlace, "a server is suspected where none was chosen")
      case .discardOutput:
        toClient = []
        responses = 0
      case .passOnResponse:
        let count = connection?.fromServer.count ?? 0
        try require(effects.approvedBytes <= count, "\(effects.approvedBytes) of \(count) bytes are passed on")
      case .resetServer, .resetClient, .excludeServer, .sendEnd: break
      case .log:
        logs += 1
        try require(logs == 1 && exchange.record.began != nil, "logged \(logs) times")
      case .dropConnection: (connection, kept) = (nil, nil)
      // That of an earlier request, if there is one.
      case .keepConnection where connection == nil && exchange.record.connected == nil: break
      case .keepConnection:
        try require(connection != nil && connection?.end == nil, "a connection is kept that is none")
        let isSent = connection?.toServer.isEmpty == true && connection?.isBehind == false
        try require(isSent, "a connection is kept with a request that did not leave")
        try require(connection?.isBound == false || exchange.isPrivate, "an authenticated connection is shared")
        if exchange.isPrivate { kept = connection }
        connection = nil
      case .releaseSlot: (hasPlace, isWaiting) = (false, false)
      case .place: effects = try place()
      case .connect: effects = try connect(mayReuse: true)
      case .connectAnew: effects = try connect(mayReuse: false)
      case .sendHead: effects = try sendHead()
      case .reply:
        try reply()
        if choose(16) == 15 { effects = exchange.handle(.pageTooLarge, policy: policy, at: now) }
      case .redirect:
        try reply()
        if choose(16) == 15 {
          responses = 0
          effects = exchange.handle(.redirectTooLarge, policy: policy, at: now)
        }
      case .awaitNext:
        fromClient.removeFirst(exchange.dropRequest())
        try begin()
      case .linger, .close: (kept, isOpen) = (nil, false)
      }
    }
    try checkInvariants()
  }

  mutating func place() throws(Violation) -> Effects {
    try require(!hasPlace && !isWaiting && connection == nil, "a place is asked for while one is held")
    policy = newest
    let event: Exchange.Event
    switch choose(16) {
    case 0: event = .noServer
    case 1: event = .queueFull(isOther: false)
    case 2...4:
      isWaiting = true
      event = .queued(isOther: choose(2) == 0)
    default:
      hasPlace = true
      event = .placed(isOther: choose(2) == 0)
    }
    return exchange.handle(event, policy: policy, at: now)
  }

  mutating func connect(mayReuse: Bool) throws(Violation) -> Effects {
    try require(hasPlace && connection == nil, "a connection is asked for without a place, or beside another")
    let isKept = mayReuse && kept != nil
    connection = isKept ? kept : SimulatedConnection()
    kept = nil
    connection?.hasRequest = false
    if isKept || mayReuse && kind == .relayed && choose(2) == 0 {
      return exchange.handle(.connected(isReused: true), policy: policy, at: now)
    }
    let effects = exchange.handle(.connecting, policy: policy, at: now)
    guard choose(8) == 7 else { return effects }
    return exchange.handle(.connectFailed(isShortage: true), policy: policy, at: now)
  }

  mutating func sendHead() throws(Violation) -> Effects {
    var sink = ByteWriter(limit: 1 << 16)
    let forwarding = ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: true)
    let bytes = fromClient
    exchange.sendRequestHead(from: bytes.span, forwarding: forwarding, keepAlive: true, into: &sink)
    connection?.toServer = sink.bytes
    guard choose(32) == 31 else { return Effects.none }
    connection?.toServer = []
    return exchange.handle(.requestHeadTooLarge, policy: policy, at: now)
  }

  mutating func reply() throws(Violation) {
    try require(responses == 0, "an error page follows a response")
    responses = 1
    toClient += Array("page".utf8)
    let expiry = exchange.expiry(policy.timeouts, backlog: .toClient, at: now)
    guard case .later = expiry else { throw Violation("a page has no time to be taken") }
  }

  /// The next request on the same connection.
  mutating func begin() throws(Violation) {
    try checkEnd()
    try require(responses == 1, "the next request comes after \(responses) responses")
    number += 1
    try require(number <= 2 && !isStopping, "request \(number) is awaited, stopping: \(isStopping)")
    exchange = Exchange(number: number, isPrivate: exchange.isPrivate, kind: kind, retries: policy.retries, at: now)
    exchange.received(fromClient.count)
    (logs, responses, sends, wasHeard) = (0, 0, 0, false)
  }
}
