import Control
import Wire
import WorkerProtocol
import Testing

@testable import Supervisor

private func moment(_ seconds: UInt64) -> WallTime { WallTime(milliseconds: seconds * 1000) }

@Suite struct `What operators want of servers` {
  @Test func `a command is answered with the whole state, earlier commands included`() {
    var states = AdminStates()
    #expect(states.apply(.drain, to: "view01", at: moment(1)) == AdminState(name: "view01", mode: .drain))
    #expect(
      states.apply(.weight(5), to: "view01", at: moment(2)) == AdminState(name: "view01", mode: .drain, weight: 5))
    #expect(states.apply(.maintenance, to: "view02", at: moment(3)) == AdminState(name: "view02", mode: .maintenance))
    #expect(
      states.apply(.ready, to: "view01", at: moment(4)) == AdminState(name: "view01", mode: .ready, weight: 5))
    #expect(
      states.all == [
        AdminState(name: "view01", mode: .ready, weight: 5), AdminState(name: "view02", mode: .maintenance),
      ])
    #expect(states["view01"] == .init(mode: nil, weight: 5, since: moment(4)))
    #expect(states.number == 4)
  }

  @Test func `with the last of it taken back there is no state`() {
    var states = AdminStates()
    _ = states.apply(.drain, to: "view01", at: moment(1))
    _ = states.apply(.weight(0), to: "view01", at: moment(1))
    _ = states.apply(.weight(nil), to: "view01", at: moment(1))
    #expect(states["view01"] != nil)
    #expect(states.apply(.ready, to: "view01", at: moment(1)) == AdminState(name: "view01", mode: .ready))
    #expect(states["view01"] == nil && states.all.isEmpty)
    #expect(states.number == 4)
  }

  @Test func `a command that is given again is as old as it was`() {
    var states = AdminStates()
    _ = states.apply(.drain, to: "view01", at: moment(1))
    _ = states.apply(.drain, to: "view01", at: moment(9))
    #expect(states["view01"]?.since == moment(1))
  }

  @Test func `a server that the configuration names no longer has none`() {
    var states = AdminStates()
    for name in ["view01", "view02"] { _ = states.apply(.drain, to: name, at: moment(1)) }
    states.keep(["view02", "view03"])
    #expect(states.all.map(\.name) == ["view02"])
  }
}
