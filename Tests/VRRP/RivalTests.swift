import Testing
import Wire

@testable import VRRP

/// Two that are Active at once: what is in order, what is not, and what is said about it.
@Suite struct `Both Active` {
  @Test func `one advertisement of a worse one is in order: a partition healed`() {
    var node = Alone.active()
    node.hear(100)
    #expect(node.sent == [101])
    #expect(node.effects.contains(.announce(times: 5)))
    #expect(node.notes == [.worseActive(ip("192.0.2.6"), priority: 100)])
    node.pass(30_000)
    #expect(node.router.rival == nil)
    #expect(node.router.role == .active)
  }

  @Test func `advertisements that go on are an error, said once a minute, and so is their end`() {
    var node = Alone.active()
    node.pass(seconds: 150, hearing: 100)
    let loud = node.notes.filter { $0.severity == .error }
    #expect(loud.count == 3)
    #expect(loud.first == .bothActive(ip("192.0.2.6"), priority: 100, for: .seconds(3)))
    #expect(node.router.rival == ip("192.0.2.6"))
    #expect(node.router.counters.worseActiveHeard == 150)
    node.pass(5000)
    #expect(node.notes.contains(.rivalGone(ip("192.0.2.6"))))
    #expect(node.router.rival == nil)
  }

  @Test func `what it says names protocol 112, multicast and the network`() {
    let text = RouterNote.bothActive(ip("192.0.2.6"), priority: 100, for: .seconds(3)).text
    for word in ["112", "multicast", "peers", "192.0.2.6"] { #expect(text.contains(word)) }
  }

  @Test func `announcements for a rival that advertises without pause are limited`() {
    var node = Alone.active()
    var announcements = 0
    for _ in 0..<1000 {
      node.pass(1)
      announcements += node.effects.count { $0 == .announce(times: 5) }
      node.hear(100)
      announcements += node.effects.count { $0 == .announce(times: 5) }
    }
    #expect(announcements == 50)
  }

  @Test func `a rival's second advertisement is answered by an announcement too, before the rival's address is gone`() {
    var node = Alone.active()
    node.hear(100)
    node.pass(5)
    node.hear(100)
    #expect(!node.effects.contains(.announce(times: 5)))
    var waited = 5
    while !node.effects.contains(.announce(times: 5)), waited < 50 {
      node.pass(1)
      waited += 1
    }
    #expect(waited == 20)
  }

  @Test func `somebody that claims the address is answered, and named, once a second`() {
    var node = Alone.active()
    var said = 0
    for _ in 0..<100 {
      node.pass(100)
      node.tell(.claimed(by: "02:00:00:00:00:01"))
      said += node.notes.count { $0 == .claimed(by: "02:00:00:00:00:01") }
    }
    #expect(9...10 ~= said)
  }

  @Test func `a Backup has nothing to defend`() {
    var node = Alone()
    node.hear(200)
    node.tell(.claimed(by: "02:00:00:00:00:01"))
    #expect(node.effects.isEmpty)
  }

  @Test(arguments: [("192.0.2.4", VirtualRouter.Role.active), ("192.0.2.6", .backup)])
  func `between equals the greater source address stays (RFC 9568 §6.4.3)`(peer: String, role: VirtualRouter.Role) {
    var node = Alone.active()
    node.hear(101, from: peer)
    #expect(node.router.role == role)
  }

  @Test func `who yields keeps the address until the better one's announcement is everywhere`() {
    var node = Alone.active()
    node.hear(200)
    #expect(node.router.role == .backup)
    #expect(node.sent == [101])
    #expect(node.router.holdsAddresses)
    node.pass(50)
    #expect(!node.router.holdsAddresses)
  }

  @Test func `an address that somebody took off is put back and announced`() {
    var node = Alone.active()
    node.tell(.addressRemoved)
    #expect(node.effects == [.note(.addressRemoved), .holdAddresses(lease: .seconds(3)), .announce(times: 1)])
  }
}
