import Domain
import Testing
import Wire

@testable import VRRP

/// Which node preempts a working Active, and when (RFC 9568 §6.1, Preempt_Mode).
@Suite struct Preemption {
  @Test func `a Backup preempts after Active_Down_Interval although a worse Active advertises`() {
    var node = SingleRouter()
    node.pass(seconds: 3, hearing: 100)
    #expect(node.router.role == .backup)
    node.pass(600)
    #expect(node.router.role == .backup)
    node.pass(10)
    #expect(node.router.role == .active)
  }

  @Test(arguments: [100, 101] as [UInt8])
  func `without preemption a Backup does not take over from a worse Active`(priority: UInt8) {
    var node = SingleRouter { $0.preempts = false }
    node.pass(seconds: 100, hearing: priority)
    #expect(node.router.role == .backup)
  }

  @Test func `without preemption a Backup takes over from the lowest priority`() {
    var node = SingleRouter { $0.preempts = false }
    node.pass(seconds: 100, hearing: 100)
    node.hear(1)
    node.pass(700)
    #expect(node.router.role == .active)
  }

  @Test func `an equal priority does not preempt`() {
    var node = SingleRouter()
    node.pass(seconds: 100, hearing: 101)
    #expect(node.router.role == .backup)
  }

  @Test func `a worse Active is preempted after the preempt delay`() {
    var node = SingleRouter { $0.preemptDelay = .seconds(60) }
    node.pass(seconds: 59, hearing: 100)
    #expect(node.router.role == .backup)
    node.pass(seconds: 5, hearing: 100)
    #expect(node.router.role == .active)
  }

  @Test func `the preempt delay does not delay a takeover from a missing Active`() {
    var node = SingleRouter { $0.preemptDelay = .minutes(10) }
    node.pass(3610)
    #expect(node.router.role == .active)
  }

  @Test func `the preempt delay restarts when a better Active was met`() {
    var node = SingleRouter.active(priority: 101) { $0.preemptDelay = .seconds(60) }
    node.hear(200)
    #expect(node.router.role == .backup)
    // The priority of the better one falls.
    node.pass(seconds: 59, hearing: 100)
    #expect(node.router.role == .backup)
    node.pass(seconds: 6, hearing: 100)
    #expect(node.router.role == .active)
  }

  @Test func `an owner becomes Active at the start (RFC 9568 §6.4.1)`() {
    var node = SingleRouter(priority: 255)
    #expect(node.router.role == .active)
    #expect(node.sent == [255])
    node.pass(seconds: 10, hearing: 254)
    #expect(node.router.role == .active)
    #expect(node.router.priority == 255)
  }

  @Test func `conditions do not change an owner's priority, but a fault removes it`() {
    let tracks = [
      Track(name: "servers", weight: .priority(-60), recovery: .zero),
      Track(name: "worker", weight: .giveUp, recovery: .zero),
    ]
    var node = SingleRouter(priority: 255, tracks: tracks)
    #expect(node.router.role == .initialize)
    node.tell(.track(0, isGood: true))
    node.tell(.track(1, isGood: true))
    #expect(node.router.role == .active)
    node.tell(.track(0, isGood: false))
    #expect(node.router.priority == 255)
    node.tell(.track(1, isGood: false))
    node.pass(1500)
    #expect(node.router.role == .fault)
    #expect(!node.router.holdsAddresses)
  }

  @Test func `a stop in the fault state is a transition too`() {
    var node = SingleRouter()
    node.tell(.source(nil))
    #expect(node.router.role == .fault)
    node.tell(.stop)
    let changes = node.effects.compactMap { if case .transitioned(let change) = $0 { change } else { nil } }
    #expect(changes == [Transition(from: .fault, to: .initialize, priority: 101, reason: .stopped)])
    #expect(node.effects.last == .stopped)
  }
}
