import Domain
import Testing
import Wire

@testable import VRRP

/// Two nodes that are Active at the same time: which cases are normal, which are not, and what is logged.
@Suite struct `Two Actives` {
  @Test func `a single advertisement of a worse Active is logged once, as after a partition`() {
    var node = SingleRouter.active()
    node.hear(100)
    #expect(node.sent == [101])
    #expect(node.effects.contains(.announce(times: 5)))
    #expect(node.notes == [.worseActive(ip("192.0.2.6"), priority: 100)])
    node.pass(30_000)
    #expect(node.router.duplicateActive == nil)
    #expect(node.router.role == .active)
  }

  @Test func `repeated advertisements of a worse Active are an error once a minute, and their end is logged`() {
    var node = SingleRouter.active()
    node.pass(seconds: 150, hearing: 100)
    let loud = node.notes.filter { $0.level == .error }
    #expect(loud.count == 3)
    #expect(loud.first == .bothActive(ip("192.0.2.6"), priority: 100, for: .seconds(3)))
    #expect(node.router.duplicateActive == ip("192.0.2.6"))
    #expect(node.router.counters.worseActiveHeard == 150)
    node.pass(5000)
    #expect(node.notes.contains(.duplicateGone(ip("192.0.2.6"))))
    #expect(node.router.duplicateActive == nil)
  }

  @Test(arguments: [2, 3]) func `several duplicate Actives are logged as one`(count: Int) {
    var node = SingleRouter.active()
    var notes: [RouterNote] = []
    for turn in 0..<6000 {
      node.hear(100, from: "192.0.2.\(6 + turn % count)")
      notes += node.notes
      node.pass(10)
    }
    let first = ip("192.0.2.6")
    #expect(notes.count == 2, "\(notes)")
    #expect(notes.first == .worseActive(first, priority: 100))
    #expect(notes.last?.level == .error)
    #expect(node.router.duplicateActive != nil)
    node.pass(5000)
    #expect(node.notes.count == 1)
    #expect(node.router.duplicateActive == nil)
  }

  @Test func `an intermittent worse Active is logged once a minute`() {
    var node = SingleRouter.active()
    var notes: [RouterNote] = []
    for turn in 0..<110 {
      node.hear(100, from: "192.0.2.\(6 + turn % 2)", interval: 1)
      notes += node.notes
      node.pass(1100)
      notes += node.notes
    }
    #expect(notes == [.worseActive(ip("192.0.2.6"), priority: 100), .worseActive(ip("192.0.2.7"), priority: 100)])
  }

  @Test func `the message about a duplicate Active names protocol 112, multicast and peers`() {
    let text = RouterNote.bothActive(ip("192.0.2.6"), priority: 100, for: .seconds(3)).text
    for word in ["112", "multicast", "peers", "192.0.2.6"] { #expect(text.contains(word)) }
  }

  @Test func `announcements against a worse Active that advertises continuously are limited`() {
    var node = SingleRouter.active()
    var announcements = 0
    for _ in 0..<6000 {
      node.pass(10)
      announcements += node.announced
      node.hear(100)
      announcements += node.announced
    }
    // A few at once, then after 2, 4, 8, 16 and 32 seconds, five each and twice more, and some in between.
    #expect(40...80 ~= announcements, "\(announcements)")
  }

  @Test(arguments: [UInt8(100), 0]) func `continuous advertisements get at most 50 answers a second`(priority: UInt8) {
    var node = SingleRouter.active()
    node.pass(500)
    var answers = 0
    for _ in 0..<100 {
      node.pass(1)
      answers += node.sent.count
      for _ in 0..<50 {
        node.hear(priority)
        answers += node.sent.count
      }
    }
    #expect(answers == 5, "5000 in 100 ms")
    node.pass(20)
    #expect(node.sent == [101], "the last one is answered too")
  }

  @Test func `the predecessor's last advertisement is not logged, a later one is`() {
    var node = SingleRouter()
    // A worse Active advertises until it is preempted.
    for _ in 0..<4 {
      node.hear(100)
      node.pass(900)
    }
    node.pass(100)
    #expect(node.router.role == .active)
    node.hear(100)
    #expect(node.notes.isEmpty)
    node.pass(1500)
    node.hear(100)
    #expect(node.notes == [.worseActive(ip("192.0.2.6"), priority: 100)])
  }

  @Test func `a second advertisement of a worse Active is answered by an announcement before its address is removed`() {
    var node = SingleRouter.active()
    node.hear(100)
    node.pass(5)
    node.hear(100)
    #expect(node.announced == 0)
    var waited = 5
    while node.announced == 0, waited < 50 {
      node.pass(1)
      waited += 1
    }
    #expect(waited == 20)
  }

  @Test func `continuous claims of the address are logged and answered at growing intervals`() {
    var node = SingleRouter.active()
    node.pass(60_000)
    var (said, announced): ([Int], Int) = ([], 0)
    for moment in 0..<600 {
      node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
      if node.notes.contains(.claimed(by: "02:00:00:00:00:01")) { said.append(moment / 10) }
      node.pass(100)
      announced += node.announced
    }
    #expect(said == [0, 1, 3, 7, 15, 31])
    // At once, and when the other node may have stopped.
    #expect(announced == 3 * said.count)
  }

  @Test func `after a minute without claims the next one is answered at once`() {
    var node = SingleRouter.active()
    node.pass(60_000)
    for _ in 0..<100 {
      node.tell(.claimed(.used, by: "02:00:00:00:00:01"))
      node.pass(100)
    }
    node.pass(60_000)
    node.tell(.claimed(.used, by: "02:00:00:00:00:01"))
    #expect(node.notes == [.claimed(by: "02:00:00:00:00:01")])
    node.pass(10)
    #expect(node.announced == 1)
  }

  @Test func `an announcement is not answered if a better Active's advertisement follows it`() {
    var node = SingleRouter.active()
    node.pass(60_000)
    node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
    node.pass(5)
    node.hear(200)
    node.pass(500)
    #expect(node.router.role == .backup)
    #expect(node.announced == 0)
  }

  @Test func `a Backup does not answer claims of the address`() {
    var node = SingleRouter()
    node.hear(200)
    node.tell(.claimed(.announced, by: "02:00:00:00:00:01"))
    #expect(node.effects.isEmpty)
  }

  @Test(arguments: [("192.0.2.4", VirtualRouterRole.active), ("192.0.2.6", .backup)])
  func `with equal priorities the higher source address stays Active (RFC 9568 §6.4.3)`(
    peer: String, role: VirtualRouterRole
  ) {
    var node = SingleRouter.active()
    node.hear(101, from: peer)
    #expect(node.router.role == role)
  }

  @Test func `a node that yields keeps the address for 50 ms`() {
    var node = SingleRouter.active()
    node.hear(200)
    #expect(node.router.role == .backup)
    #expect(node.sent == [101])
    #expect(node.router.holdsAddresses)
    node.pass(50)
    #expect(!node.router.holdsAddresses)
  }

  @Test func `an address that another program removed is restored and announced`() {
    var node = SingleRouter.active()
    node.tell(.addressRemoved)
    #expect(node.effects == [.note(.addressRemoved), .holdAddresses(lease: .seconds(3)), .announce(times: 1)])
  }
}
