import Balancing
import Simulation
import Testing
import Wire

@Suite struct AdmissionTests {
  /// The ticket of an answer; nil for another answer.
  func ticket(_ answer: Admission<Int>.Answer) -> Admission<Int>.Ticket? {
    if case .queued(let ticket) = answer { ticket } else { nil }
  }

  @Test func `whoever comes first gets a place, then waits in line, then is refused`() {
    var admission = Admission<Int>(limit: 2, queueLimit: 2)
    var answers: [String] = []
    for token in 0..<5 {
      switch admission.acquire(token) {
      case .admitted: answers.append("admitted")
      case .queued: answers.append("queued")
      case .refused: answers.append("refused")
      }
    }
    #expect(answers == ["admitted", "admitted", "queued", "queued", "refused"])
    #expect(admission.release() == 2)
    #expect(admission.release() == 3)
    #expect(admission.active == 2 && admission.waiting == 0)
    #expect(admission.release() == nil)
    #expect(admission.active == 1)
  }

  @Test func `a waiter that leaves is passed over, and its ticket is good once`() throws {
    var admission = Admission<Int>(limit: 1, queueLimit: 10)
    _ = admission.acquire(0)
    let first = try #require(ticket(admission.acquire(1)))
    _ = admission.acquire(2)
    #expect(admission.cancel(first) == true)
    #expect(admission.cancel(first) == false)
    #expect(admission.release() == 2)
  }

  @Test func `a ticket whose token came out is void, also when its place is used again`() throws {
    var admission = Admission<Int>(limit: 1, queueLimit: 10)
    _ = admission.acquire(0)
    let first = try #require(ticket(admission.acquire(1)))
    #expect(admission.release() == 1)
    _ = admission.acquire(2)
    #expect(admission.cancel(first) == false)
    #expect(admission.waiting == 1)
  }

  @Test func `a raised limit admits from the line, a lowered one admits nobody until it is met`() {
    var admission = Admission<Int>(limit: 1, queueLimit: 10)
    for token in 0..<5 { _ = admission.acquire(token) }
    admission.limit = 3
    #expect(ticket(admission.acquire(9)) != nil, "nobody overtakes the line")
    #expect(admission.admitNext() == 1)
    #expect(admission.admitNext() == 2)
    #expect(admission.admitNext() == nil)
    admission.limit = 1
    #expect(admission.release() == nil)
    #expect(admission.release() == nil)
    #expect(admission.release() == 3)
  }

  @Test func `a server that is down sends its line elsewhere`() {
    var admission = Admission<Int>(limit: 1, queueLimit: 10)
    for token in 0..<4 { _ = admission.acquire(token) }
    var sent: [Int] = []
    while let token = admission.dequeue() { sent.append(token) }
    #expect(sent == [1, 2, 3])
    #expect(admission.active == 1 && admission.waiting == 0)
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func `any sequence of operations agrees with a plain line`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var admission = Admission<Int>(limit: 3, queueLimit: 8)
    var line: [(token: Int, ticket: Admission<Int>.Ticket)] = []
    var active = 0
    for token in 0..<5_000 {
      switch Int.random(in: 0..<8, using: &random) {
      case 0..<4:
        switch admission.acquire(token) {
        case .admitted:
          #expect(active < 3 && line.isEmpty, "seed \(seed)")
          active += 1
        case .queued(let ticket):
          #expect(active == 3 && line.count < 8, "seed \(seed)")
          line.append((token, ticket))
        case .refused:
          #expect(line.count == 8, "seed \(seed)")
        }
      case 4..<6:
        guard active > 0 else { continue }
        #expect(admission.release() == line.first?.token, "seed \(seed)")
        if line.isEmpty { active -= 1 } else { line.removeFirst() }
      case 6:
        guard let place = line.indices.randomElement(using: &random) else { continue }
        #expect(admission.cancel(line.remove(at: place).ticket) == true, "seed \(seed)")
      default:
        #expect(admission.active == active && admission.waiting == line.count, "seed \(seed)")
      }
    }
  }
}

@Suite struct ConnectionLedgerTests {
  @Test func `a proxy has no limit of its own`() {
    var ledger = ConnectionLedger(limit: 4, limitPerClient: 1)
    let proxy = ClientKey(IPAddress(v4: 7))
    let refusals = (0..<5).map { _ in ledger.open(proxy, isProxy: true) }
    #expect(refusals == [nil, nil, nil, nil, .total])
    for _ in 0..<4 { ledger.close(proxy) }
    let left = (ledger.count, ledger.clientCount)
    #expect(left == (0, 0))
  }

  func client(_ number: UInt32) -> ClientKey { ClientKey(IPAddress(v4: number)) }

  @Test func `connections are limited in all and by client, and a client without any is forgotten`() {
    var ledger = ConnectionLedger(limit: 3, limitPerClient: 2)
    #expect(ledger.open(client(1)) == nil)
    #expect(ledger.open(client(1)) == nil)
    #expect(ledger.open(client(1)) == .perClient)
    #expect(ledger.open(client(2)) == nil)
    #expect(ledger.open(client(3)) == .total)
    #expect(ledger.count == 3 && ledger.clientCount == 2)
    ledger.close(client(1))
    ledger.close(client(1))
    ledger.close(client(2))
    #expect(ledger.count == 0 && ledger.clientCount == 0)
  }

  @Test func `without a limit by client only the sum counts`() {
    var ledger = ConnectionLedger(limit: 100)
    for _ in 0..<100 { #expect(ledger.open(client(1)) == nil) }
    #expect(ledger.open(client(1)) == .total)
  }

  @Test func `hosts of one IPv6 network are one client`() throws {
    var ledger = ConnectionLedger(limit: 100, limitPerClient: 1)
    #expect(ledger.open(ClientKey(try IPAddress(parsing: "2001:db8::1"))) == nil)
    #expect(ledger.open(ClientKey(try IPAddress(parsing: "2001:db8::2"))) == .perClient)
    #expect(ledger.open(ClientKey(try IPAddress(parsing: "2001:db8:0:1::2"))) == nil)
  }
}
