import Testing
import VRRP
import Wire

@testable import Supervisor

private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: (1_000_000 + milliseconds) * 1_000_000) }

@Suite struct `Whether a node can serve` {
  @Test func `the worker condition is unknown before the first worker is ready`() {
    var condition = ServingCondition()
    condition.hasTables = true
    condition.note(.starting(deadline: at(30_000)), at: at(0))
    condition.note(.starting(deadline: at(30_000)), at: at(20_000))
    #expect(condition.hasWorker == nil)
    #expect(condition.deadline == nil)
    condition.note(.serving, at: at(21_000))
    #expect(condition.hasWorker == true)
  }

  @Test func `the worker condition is unknown until the tables of other nodes are here or given up`() {
    var condition = ServingCondition()
    condition.note(.serving, at: at(0))
    condition.note(.starting(deadline: at(30_000)), at: at(10))
    condition.note(.serving, at: at(20))
    #expect(condition.hasWorker == nil)
    #expect(condition.deadline == nil)
    condition.hasTables = true
    condition.note(.serving, at: at(21))
    #expect(condition.hasWorker == true)
  }

  @Test func `a worker that is replaced in time does not move the address`() {
    var condition = ServingCondition()
    condition.hasTables = true
    condition.note(.serving, at: at(0))
    condition.note(.starting(deadline: at(30_000)), at: at(10))
    #expect(condition.deadline == at(1010))
    condition.note(.starting(deadline: at(30_000)), at: at(1009))
    #expect(condition.hasWorker == true)
    condition.note(.serving, at: at(1009))
    #expect(condition.deadline == nil)
    condition.note(.ending(.killed, deadline: at(9000)), at: at(2000))
    #expect(condition.hasWorker == true)
  }

  @Test func `a worker that is missing for longer moves the address`() {
    var condition = ServingCondition()
    condition.hasTables = true
    condition.note(.serving, at: at(0))
    condition.note(.starting(deadline: at(30_000)), at: at(10))
    condition.note(.starting(deadline: at(30_000)), at: at(1010))
    #expect(condition.hasWorker == false)
    #expect(condition.deadline == nil)
  }

  @Test func `workers that die repeatedly move the address at once`() {
    var condition = ServingCondition()
    condition.hasTables = true
    condition.note(.serving, at: at(0))
    condition.note(.waiting(until: at(100)), at: at(10))
    #expect(condition.hasWorker == false)
  }

  @Test func `unchecked servers of a new worker do not change the servers condition`() {
    var condition = ServingCondition()
    condition.note(hasReachableServer: nil)
    #expect(condition.hasReachableServer == nil)
    condition.note(hasReachableServer: true)
    condition.note(hasReachableServer: nil)
    #expect(condition.hasReachableServer == true)
    condition.note(hasReachableServer: false)
    #expect(condition.hasReachableServer == false)
  }
}

@Suite struct `Timer slip` {
  @Test func `a late timer is counted, one within the tolerance is not`() {
    var timerSlip = TimerSlip()
    timerSlip.note(.milliseconds(5))
    #expect(timerSlip.count == 0)
    timerSlip.note(.milliseconds(20))
    timerSlip.note(.milliseconds(6))
    #expect(timerSlip.count == 2)
    #expect(timerSlip.longest == .milliseconds(20))
  }
}
