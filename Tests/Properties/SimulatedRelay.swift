import Exchange
import HTTP1
import Wire

/// Bytes move as in the worker.
extension SimulatedExchange {
  mutating func pump() throws(Violation) {
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
      guard takesResponse else { return }
      exchange.delivered(toClient.count, at: now)
      toClient = []
      try tell(.replied)
    default: _ = try leaves()
    }
  }

  mutating func leaves() throws(Violation) -> Bool {
    guard exchange.isAbandoned(hasEnded: clientEnd != nil, isReset: isReset) else { return false }
    try clientLeaves(isFlood: false)
    return true
  }

  mutating func readHead() throws(Violation) {
    guard kind != .opaque else { return }
    let bytes = fromClient
    var reading = exchange.readRequestHead(bytes.span, end: clientEnd, policy: policy, at: now)
    try overwriteRequest(&reading, end: nil)
    if reading.step == .head {
      let choice = choose(16)
      let isDenied = choice >= 14
      try tell(
        isDenied ? .denied(.rateExceeded, isLast: isStopping || choice == 15) : .accepted(isLast: isStopping))
    }
    try perform(reading)
  }

  mutating func perform(_ reading: (step: RequestStep, effects: Effects)) throws(Violation) {
    if case .closed = reading.step { hasLeft = true }
    if case .truncated = reading.step { hasLeft = true }
    try perform(reading.effects)
  }

  mutating func overwriteRequest(
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

  mutating func pumpUp() throws(Violation) {
    guard !exchange.isRequestWriteClosed else { return }
    guard connection?.isWriteBroken == false else { return exchange.closeRequestWrite() }
    let pending = exchange.requestCursor.pending
    if connection?.toServer.isEmpty == false || pending > 0 { try noteSent() }
    connection?.toServer = []
    exchange.sentRequest(takesRequest ? pending : pending / 2, at: now)
    connection?.isBehind = exchange.requestCursor.pending > 0
    guard connection?.isBehind == false else { return }
    if exchange.hasResponseBegun { fromClient.removeFirst(exchange.dropSentRequest()) }
    switch exchange.requestSide {
    case .head, .complete: return
    case .body, .tunnel: break
    }
    let bytes = fromClient
    var reading = exchange.readRequestBody(bytes.span, end: clientEnd, at: now)
    try overwriteRequest(&reading, end: clientEnd)
    try perform(reading)
  }

  /// From now on a server may have received part of the request.
  mutating func noteSent() throws(Violation) {
    guard connection?.hasRequest == false else { return }
    connection?.hasRequest = true
    if exchange.request?.bindsAuthentication == true { connection?.isBound = true }
    sends += 1
    guard sends > 1 else { return }
    try require(exchange.request?.isIdempotent == true, "a request that may not be repeated was sent twice")
    try require(!wasHeard, "a request was sent again after the response had begun")
  }

  mutating func pumpDown() throws(Violation) {
    guard takesResponse else { return }
    if !toClient.isEmpty { exchange.delivered(toClient.count, at: now) }
    toClient = []
    let pending = exchange.responseCursor.pending
    if pending > 0 {
      exchange.delivered(pending, at: now)
      connection?.fromServer.removeFirst(exchange.movedResponse(pending))
    }
    try readResponse(end: connection?.end)
  }

  mutating func readResponse(end: StreamEnd?) throws(Violation) {
    guard exchange.responseSide != .complete else { return }
    while isOpen, let bytes = connection?.fromServer {
      if !bytes.isEmpty { wasHeard = true }
      if bytes.starts(with: SimulatedExchange.authenticating.utf8) { connection?.isBound = true }
      var sink = ByteWriter(limit: 1 << 16)
      let (step, effects) = exchange.readResponse(bytes.span, end: end, policy: policy, at: now, into: &sink)
      toClient += sink.bytes
      if let (offset, octet) = exchange.takeOverwrite() {
        connection?.fromServer[offset] = octet
        continue
      }
      guard step == .head else { return try perform(effects) }
      if choose(32) == 31 { return try tell(.responseHeadTooLarge) }
      if exchange.hasResponseHead { responses += 1 }
      connection?.fromServer.removeFirst(exchange.movedResponse(0))
    }
  }

  var backlog: Backlog {
    var backlog: Backlog = []
    if !toClient.isEmpty || exchange.responseCursor.pending > 0 { backlog.insert(.toClient) }
    if exchange.requestCursor.pending > 0 || connection?.toServer.isEmpty == false { backlog.insert(.toServer) }
    return backlog
  }
}
