import Simulation
import Testing
import Wire

@testable import Balancing

@Suite struct FlowTableTests {
  let start = Instant(nanoseconds: 1_000_000_000_000)
  let idle = Interval.minutes(2)

  func key(_ number: UInt32) -> Flow.Key {
    Flow.Key(
      client: Endpoint(address: IPAddress(v4: number), port: 50002),
      local: Endpoint(address: IPAddress(v4: 0x7f00_0001), port: 4172))
  }

  /// A confirmed flow: its client has answered the server.
  func confirmed(_ number: UInt32, in table: inout FlowTable<UInt32>, at now: Instant) -> Int {
    let flow = table.begin(key(number), number, at: now)
    table.received(100, of: flow, at: now)
    _ = table.answer(100, of: flow, at: now)
    table.received(100, of: flow, at: now)
    return flow
  }

  @Test func `a flow is found by either of its two endpoints, and by nothing else`() {
    var table = FlowTable<UInt32>()
    let flow = table.begin(key(1), 7, at: start)
    #expect(table.find(key(1)) == flow)
    #expect(table.handle(of: flow) == 7)
    #expect(table.count == 1)
    let (client, local) = (key(1).client, key(1).local)
    let otherPort = Flow.Key(client: Endpoint(address: client.address, port: 1), local: local)
    let otherEnd = Flow.Key(client: client, local: Endpoint(address: local.address, port: 8443))
    for other in [otherPort, otherEnd, key(2)] { #expect(table.find(other) == nil) }
    table.end(flow)
    #expect(table.find(key(1)) == nil)
    #expect(table.count == 0)
  }

  @Test func `storage grown by a flood is released with its last flow`() {
    var table = FlowTable<UInt32>()
    let flows = (0..<10_000 as Range<UInt32>).map { table.begin(key($0), $0, at: start) }
    #expect(table.capacity >= 10_000)
    for flow in flows { table.end(flow) }
    #expect(table.capacity < 100)
    let next = table.begin(key(1), 1, at: start)
    #expect(table.find(key(1)) == next && table.evictable(at: start) == next)
  }

  @Test func `before its client answers, a flow passes three times the bytes received from it, and no more`() {
    var table = FlowTable<UInt32>()
    let flow = table.begin(key(1), 1, at: start)
    table.received(100, of: flow, at: start)
    #expect(table.answer(200, of: flow, at: start) == true)
    #expect(table.answer(101, of: flow, at: start) == false)
    #expect(table.answer(100, of: flow, at: start) == true)
    #expect(table.answer(1, of: flow, at: start) == false)
    // An empty datagram counts as zero bytes.
    #expect(table.answer(0, of: flow, at: start) == true)
    #expect(table[flow].toClient.bytes == 300)
    #expect(table[flow].toClient.datagrams == 3)
    table.received(0, of: flow, at: start)
    #expect(table[flow].isConfirmed)
    #expect(table.answer(60_000, of: flow, at: start) == true)
  }

  @Test func `a datagram from the server that was dropped does not confirm the flow`() {
    var table = FlowTable<UInt32>()
    let flow = table.begin(key(1), 1, at: start)
    table.received(10, of: flow, at: start)
    #expect(table.answer(1000, of: flow, at: start) == false)
    table.received(10, of: flow, at: start)
    #expect(!table[flow].isConfirmed)
    #expect(table.answer(1000, of: flow, at: start) == false)
  }

  @Test func `a flow ends after its client's silence, and earlier while unconfirmed`() {
    var table = FlowTable<UInt32>()
    let flow = table.begin(key(1), 1, at: start)
    table.received(100, of: flow, at: start)
    #expect(table.deadline(of: flow, idle: idle) == start + .seconds(30))
    #expect(table.deadline(of: flow, idle: .seconds(5)) == start + .seconds(5))
    _ = table.answer(100, of: flow, at: start + .seconds(20))
    #expect(table.deadline(of: flow, idle: idle) == start + .seconds(30))
    table.received(1, of: flow, at: start + .seconds(21))
    #expect(table.deadline(of: flow, idle: idle) == start + .seconds(21) + idle)
  }

  @Test func `unconfirmed flows are evicted, the oldest first, whatever their clients send`() {
    var table = FlowTable<UInt32>()
    let kept = confirmed(1, in: &table, at: start)
    let (first, second) = (table.begin(key(2), 2, at: start), table.begin(key(3), 3, at: start))
    table.received(100, of: first, at: start + .seconds(1))
    #expect(table.evictable(at: start) == first)
    table.end(first)
    #expect(table.evictable(at: start) == second)
    table.end(second)
    // The confirmed flow ends only after its client's silence.
    #expect(table.evictable(at: start + .seconds(29)) == nil)
    #expect(table.evictable(at: start + .seconds(30)) == kept)
    table.received(1, of: kept, at: start + .seconds(30))
    #expect(table.evictable(at: start + .seconds(59)) == nil)
  }

  @Test func `the number of new flows a second is limited`() {
    var table = FlowTable<UInt32>()
    let (all, each) = (FlowTable<UInt32>.beginningsPerSecond, FlowTable<UInt32>.beginningsPerClient)
    func client(_ number: Int) -> ClientKey { ClientKey(IPAddress(v4: UInt32(number))) }
    // One client leaves room for the others.
    for number in 0..<2 * all { #expect(table.mayBegin(client(0), at: start) == (number < each)) }
    for number in each..<all { #expect(table.mayBegin(client(number), at: start) == true) }
    #expect(table.mayBegin(client(1), at: start + .milliseconds(999)) == false)
    for number in 0..<2 { #expect(table.mayBegin(client(number), at: start + .seconds(1)) == true) }
  }

  /// Compared with a linear list.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `any sequence of operations agrees with a plain list`(seed: UInt64) {
    struct Known {
      let number: UInt32
      let flow: Int
      var seen: Instant
      var from = 0
      var to = 0
      var isAnswered = false
      var isConfirmed = false
    }
    var random = SeededGenerator(seed: seed)
    var table = FlowTable<UInt32>()
    var (known, now): ([Known], Instant) = ([], start)
    for _ in 0..<2000 {
      now = now + .milliseconds(UInt64.random(in: 0...2000, using: &random))
      let number = UInt32.random(in: 1...12, using: &random)
      let size = Int.random(in: 0...500, using: &random)
      let place = known.firstIndex { $0.number == number }
      #expect(table.find(key(number)) == place.map { known[$0].flow })
      switch (Int.random(in: 0...9, using: &random), place) {
      case (0...4, nil):
        known.append(Known(number: number, flow: table.begin(key(number), number, at: now), seen: now))
      case (0...4, let place?):
        table.received(size, of: known[place].flow, at: now)
        (known[place].seen, known[place].isConfirmed) = (now, known[place].isAnswered)
        known[place].from += size
      case (5...7, let place?):
        let allowed = known[place].isConfirmed || known[place].to + size <= 3 * known[place].from
        let isPassed = table.answer(size, of: known[place].flow, at: now)
        #expect(isPassed == allowed)
        if allowed { (known[place].to, known[place].isAnswered) = (known[place].to + size, true) }
      case (8, _):
        let evictable =
          known.first { !$0.isConfirmed }
          ?? known.min { $0.seen < $1.seen }.flatMap { now >= $0.seen + .seconds(30) ? $0 : nil }
        #expect(table.evictable(at: now) == evictable?.flow)
      case (9, let place?):
        table.end(known.remove(at: place).flow)
      default: break
      }
      #expect(table.count == known.count)
    }
  }
}
