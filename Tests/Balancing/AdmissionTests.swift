import Balancing
import Simulation
import Testing
import Wire

@Suite struct AdmissionTests {
  /// The ticket of an answer; nil for another answer.
  func ticket(_ answer: Admission<Int>.Answer) -> Admission<Int>.Ticket? {
    if case .queued(let ticket) = answer { ticket } else { nil }
  }

  func word(_ answer: Admission<Int>.Answer) -> String {
    switch answer {
    case .admitted: "admitted"
    case .queued: "queued"
    case .refused: "refused"
    }
  }

  /// Each token has its own account.
  @Test func `a request gets a place, then waits in the queue, then is refused`() {
    var admission = Admission<Int>(limit: 2, queueLimit: 2)
    var answers: [String] = []
    for token in 0..<5 { answers.append(word(admission.acquire(token, by: UInt32(token)))) }
    #expect(answers == ["admitted", "admitted", "queued", "queued", "refused"])
    #expect(admission.release(by: 0) == 2)
    #expect(admission.release(by: 1) == 3)
    #expect(admission.active == 2 && admission.waiting == 0)
    #expect(admission.release(by: 2) == nil)
    #expect(admission.active == 1)
  }

  /// What a client gets that requests more than the limit, and what a second client gets after it.
  @Test(arguments: [
    (limit: 1, first: 1, second: 0),
    (limit: 2, first: 2, second: 0),
    (limit: 3, first: 3, second: 0),
    (limit: 4, first: 3, second: 1),
    (limit: 8, first: 6, second: 2),
    (limit: 12, first: 9, second: 3),
    (limit: 16, first: 12, second: 3),
    (limit: 32, first: 24, second: 6),
    (limit: 100, first: 75, second: 19),
    (limit: 2000, first: 1500, second: 375),
    (limit: 4000, first: 3000, second: 750),
  ])
  func `one client gets three quarters of the free places, and leaves the rest to others`(
    limit: Int, first: Int, second: Int
  ) {
    var admission = Admission<Int>(limit: limit, queueLimit: 0)
    var taken = [0, 0]
    for account in 0..<2 {
      for token in 0..<limit {
        if case .admitted = admission.acquire(token, by: UInt32(account)) { taken[account] += 1 }
      }
    }
    #expect(taken == [first, second])
  }

  @Test(arguments: [(0, 0), (1, 1), (4, 3), (10, 8), (100, 75), (1000, 750)])
  func `one client gets three quarters of the queue`(queue: Int, taken: Int) {
    var admission = Admission<Int>(limit: 1, queueLimit: queue)
    _ = admission.acquire(0, by: 0)
    let answers = (0..<queue + 5).map { word(admission.acquire($0, by: 0)) }
    #expect(answers.count { $0 == "queued" } == taken)
    #expect(answers.dropFirst(taken).allSatisfy { $0 == "refused" })
    if queue > 1 { #expect(word(admission.acquire(9, by: 1)) == "queued") }
  }

  @Test func `200 users behind one address with ten requests each do not reach their share`() {
    var admission = Admission<Int>(limit: 4000, queueLimit: 1000)
    #expect((0..<2000).allSatisfy { word(admission.acquire($0, by: 7)) == "admitted" })
  }

  @Test func `clients take turns in the queue, and requests of one are in order`() {
    var admission = Admission<Int>(limit: 1, queueLimit: 100)
    _ = admission.acquire(0, by: 0)
    for token in 10..<14 { _ = admission.acquire(token, by: 1) }
    for token in 20..<22 { _ = admission.acquire(token, by: 2) }
    _ = admission.acquire(30, by: 3)
    var order: [Int] = []
    var holder: UInt32 = 0
    while let next = admission.release(by: holder) {
      order.append(next)
      holder = UInt32(next / 10)
    }
    #expect(order == [10, 20, 30, 11, 21, 12, 13])
  }

  @Test func `a client at its share is passed over, and is next when it releases a place`() {
    var admission = Admission<Int>(limit: 5, queueLimit: 100)
    for token in 0..<5 { _ = admission.acquire(token, by: token < 4 ? 0 : 1) }
    // Four of five places, the fifth is free no more; two of its own wait before another client's one.
    #expect(admission.active == 5)
    _ = admission.acquire(10, by: 0)
    _ = admission.acquire(11, by: 0)
    _ = admission.acquire(20, by: 2)
    #expect(admission.release(by: 1) == 20)
    #expect(admission.release(by: 2) == nil, "one place is free, and four are held")
    #expect(admission.waiting == 2 && admission.active == 4)
    #expect(admission.release(by: 0) == 10)
    #expect(admission.admitNext() == nil)
    #expect(admission.active == 4 && admission.waiting == 1)
  }

  @Test func `a released place can admit two requests`() {
    var admission = Admission<Int>(limit: 7, queueLimit: 100)
    for token in 0..<6 { _ = admission.acquire(token, by: UInt32(token / 3)) }
    #expect(word(admission.acquire(20, by: 1)) == "queued", "three are held, one is free")
    #expect(word(admission.acquire(10, by: 0)) == "queued")
    #expect(admission.release(by: 0) == 20)
    #expect(admission.admitNext() == 10)
    #expect(admission.admitNext() == nil && admission.active == 7)
  }

  @Test func `a cancelled request is passed over, and its ticket is valid once`() throws {
    var admission = Admission<Int>(limit: 1, queueLimit: 10)
    _ = admission.acquire(0, by: 0)
    let first = try #require(ticket(admission.acquire(1, by: 0)))
    _ = admission.acquire(2, by: 0)
    #expect(admission.cancel(first) == true)
    #expect(admission.cancel(first) == false)
    #expect(admission.release(by: 0) == 2)
  }

  @Test func `a ticket of an admitted request is invalid, also when its slot is reused`() throws {
    var admission = Admission<Int>(limit: 1, queueLimit: 10)
    _ = admission.acquire(0, by: 0)
    let first = try #require(ticket(admission.acquire(1, by: 1)))
    #expect(admission.release(by: 0) == 1)
    _ = admission.acquire(2, by: 2)
    #expect(admission.cancel(first) == false)
    #expect(admission.waiting == 1)
  }

  @Test func `a raised limit admits from the queue, a lowered one admits none until it is met`() {
    var admission = Admission<Int>(limit: 1, queueLimit: 10)
    for token in 0..<5 { _ = admission.acquire(token, by: UInt32(token)) }
    admission.limit = 3
    #expect(admission.admitNext() == 1)
    #expect(admission.admitNext() == 2)
    #expect(admission.admitNext() == nil)
    admission.limit = 1
    #expect(admission.release(by: 0) == nil)
    #expect(admission.release(by: 1) == nil)
    #expect(admission.release(by: 2) == 3)
  }

  @Test func `a server that is down hands over its whole queue`() {
    var admission = Admission<Int>(limit: 1, queueLimit: 10)
    for token in 0..<4 { _ = admission.acquire(token, by: UInt32(token)) }
    var sent: [Int] = []
    while let token = admission.dequeue() { sent.append(token) }
    #expect(sent == [1, 2, 3])
    #expect(admission.active == 1 && admission.waiting == 0)
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func `any sequence of operations agrees with a plain model`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var admission = Admission<Int>(limit: 9, queueLimit: 12)
    var model = Model(limit: 9, queueLimit: 12)
    var tickets: [Int: Admission<Int>.Ticket] = [:]
    for token in 0..<5_000 {
      let account = UInt32.random(in: 0..<4, using: &random)
      switch Int.random(in: 0..<16, using: &random) {
      case 0..<8:
        let answer = admission.acquire(token, by: account)
        #expect(word(answer) == model.acquire(token, by: account), "seed \(seed)")
        if let ticket = ticket(answer) { tickets[token] = ticket }
      case 8..<13:
        guard let holder = model.held.filter({ $0.value > 0 }).keys.sorted().randomElement(using: &random) else {
          break
        }
        var next = admission.release(by: holder)
        model.release(by: holder)
        while let granted = next {
          #expect(granted == model.admitNext(), "seed \(seed)")
          tickets[granted] = nil
          next = admission.admitNext()
        }
        #expect(model.admitNext() == nil, "seed \(seed)")
      case 13:
        guard let (waiter, ticket) = tickets.sorted(by: { $0.key < $1.key }).randomElement(using: &random) else {
          break
        }
        #expect(admission.cancel(ticket) == true, "seed \(seed)")
        tickets[waiter] = nil
        model.cancel(waiter)
      case 14 where token.isMultiple(of: 7):
        let limit = Int.random(in: 1..<12, using: &random)
        (admission.limit, model.limit) = (limit, limit)
        while let granted = admission.admitNext() {
          #expect(granted == model.admitNext(), "seed \(seed)")
          tickets[granted] = nil
        }
        #expect(model.admitNext() == nil, "seed \(seed)")
      default:
        #expect(admission.active == model.active && admission.waiting == model.waiting, "seed \(seed)")
      }
    }
  }

  /// A model of the rules with arrays only.
  private struct Model {
    var limit: Int
    let queueLimit: Int
    var held: [UInt32: Int] = [:]
    /// Clients with queued requests, the next in turn first.
    var lanes: [(account: UInt32, tokens: [Int])] = []

    init(limit: Int, queueLimit: Int) {
      self.limit = limit
      self.queueLimit = queueLimit
    }

    var active: Int { held.values.reduce(0, +) }
    var waiting: Int { lanes.reduce(0) { $0 + $1.tokens.count } }

    func mayTake(_ account: UInt32) -> Bool { held[account, default: 0] < 3 * (limit - active) }

    mutating func acquire(_ token: Int, by account: UInt32) -> String {
      if mayTake(account) {
        held[account, default: 0] += 1
        return "admitted"
      }
      let lane = lanes.firstIndex { $0.account == account }
      guard lane.map({ lanes[$0].tokens.count }) ?? 0 < 3 * (queueLimit - waiting) else { return "refused" }
      if let lane { lanes[lane].tokens.append(token) } else { lanes.append((account, [token])) }
      return "queued"
    }

    mutating func release(by account: UInt32) { held[account, default: 0] -= 1 }

    mutating func admitNext() -> Int? {
      for _ in lanes {
        var lane = lanes.removeFirst()
        guard mayTake(lane.account) else {
          lanes.append(lane)
          continue
        }
        held[lane.account, default: 0] += 1
        let token = lane.tokens.removeFirst()
        if !lane.tokens.isEmpty { lanes.append(lane) }
        return token
      }
      return nil
    }

    mutating func cancel(_ token: Int) {
      for index in lanes.indices { lanes[index].tokens.removeAll { $0 == token } }
      lanes.removeAll { $0.tokens.isEmpty }
    }
  }
}

@Suite struct ConnectionLedgerTests {
  func client(_ number: UInt32) -> ClientKey { ClientKey(IPAddress(v4: number)) }

  func open(_ ledger: inout ConnectionLedger, _ client: ClientKey, isProxy: Bool = false) throws
    -> ConnectionLedger.Account
  {
    let account = ledger.open(client, isProxy: isProxy)
    return try #require(account)
  }

  @Test func `a proxy has no limit of its own, and an account for each connection`() throws {
    var ledger = ConnectionLedger(limitPerClient: 1)
    let proxy = client(7)
    var accounts: [ConnectionLedger.Account] = []
    for _ in 0..<4 { accounts.append(try open(&ledger, proxy, isProxy: true)) }
    #expect(Set(accounts).count == 4)
    for account in accounts { ledger.close(account) }
    let left = (ledger.count, ledger.clientCount)
    #expect(left == (0, 0))
  }

  @Test func `connections are limited by client, and a client without connections is forgotten`() throws {
    var ledger = ConnectionLedger(limitPerClient: 2)
    let first = try open(&ledger, client(1))
    #expect(ledger.hasRoom(for: client(1)) && ledger.hasRoom(for: client(2)))
    #expect(ledger.open(client(1)) == first)
    #expect(!ledger.hasRoom(for: client(1)) && ledger.hasRoom(for: client(2)))
    #expect(ledger.open(client(1)) == nil)
    let second = try open(&ledger, client(2))
    #expect(second != first)
    #expect(ledger.count == 3 && ledger.clientCount == 2)
    ledger.close(first)
    ledger.close(first)
    ledger.close(second)
    #expect(ledger.count == 0 && ledger.clientCount == 0)
  }

  @Test func `a request through a proxy counts for its client, and not as a connection`() throws {
    var ledger = ConnectionLedger(limitPerClient: 2)
    let proxy = try open(&ledger, client(7), isProxy: true)
    let (request, isAllowed) = ledger.enter(client(1))
    #expect(request != proxy && isAllowed)
    #expect(ledger.open(client(1)) == request)
    // A request over the limit counts until it is refused.
    let refused = ledger.enter(client(1))
    #expect(refused == (request, false) && ledger.count == 2)
    ledger.leave(request)
    #expect(ledger.open(client(1)) == nil)
    ledger.leave(request)
    let again = ledger.enter(client(1))
    #expect(again == (request, true))
    ledger.leave(request)
    ledger.close(request)
    #expect(ledger.count == 1 && ledger.clientCount == 0)
    ledger.close(proxy)
  }

  @Test func `account numbers are reused, and stay as small as the number of clients`() throws {
    var ledger = ConnectionLedger()
    for number in 0..<1000 as Range<UInt32> {
      let accounts = try (0..<3).map { try open(&ledger, client(number + $0)) }
      #expect(Set(accounts) == [0, 1, 2])
      for account in accounts { ledger.close(account) }
    }
  }

  @Test func `hosts of one IPv6 prefix are one client`() throws {
    var ledger = ConnectionLedger(limitPerClient: 1)
    _ = try open(&ledger, ClientKey(try IPAddress(parsing: "2001:db8::1")))
    #expect(ledger.open(ClientKey(try IPAddress(parsing: "2001:db8::2"))) == nil)
    _ = try open(&ledger, ClientKey(try IPAddress(parsing: "2001:db8:0:1::2")))
  }
}
