import Control
import WorkerProtocol
import Testing

@testable import Supervisor

private func moment(_ seconds: UInt64) -> Moment { Moment(milliseconds: seconds * 1000) }

@Suite struct `What operators want of servers` {
  @Test func `an order is given whole, with what was ordered before`() {
    var orders = AdminStates()
    #expect(orders.apply(.drain, to: "view01", at: moment(1)) == AdminState(name: "view01", mode: .drain))
    #expect(
      orders.apply(.weight(5), to: "view01", at: moment(2)) == AdminState(name: "view01", mode: .drain, weight: 5))
    #expect(orders.apply(.maintenance, to: "view02", at: moment(3)) == AdminState(name: "view02", mode: .maintenance))
    #expect(
      orders.apply(.ready, to: "view01", at: moment(4)) == AdminState(name: "view01", mode: .ready, weight: 5))
    #expect(
      orders.all == [
        AdminState(name: "view01", mode: .ready, weight: 5), AdminState(name: "view02", mode: .maintenance),
      ])
    #expect(orders["view01"] == .init(mode: nil, weight: 5, since: moment(4)))
    #expect(orders.number == 4)
  }

  @Test func `with the last of it taken back there is no order`() {
    var orders = AdminStates()
    _ = orders.apply(.drain, to: "view01", at: moment(1))
    _ = orders.apply(.weight(0), to: "view01", at: moment(1))
    _ = orders.apply(.weight(nil), to: "view01", at: moment(1))
    #expect(orders["view01"] != nil)
    #expect(orders.apply(.ready, to: "view01", at: moment(1)) == AdminState(name: "view01", mode: .ready))
    #expect(orders["view01"] == nil && orders.all.isEmpty)
    #expect(orders.number == 4)
  }

  @Test func `an order that is given again is as old as it was`() {
    var orders = AdminStates()
    _ = orders.apply(.drain, to: "view01", at: moment(1))
    _ = orders.apply(.drain, to: "view01", at: moment(9))
    #expect(orders["view01"]?.since == moment(1))
  }

  @Test func `a server that the configuration names no longer has none`() {
    var orders = AdminStates()
    for name in ["view01", "view02"] { _ = orders.apply(.drain, to: name, at: moment(1)) }
    orders.keep(["view02", "view03"])
    #expect(orders.all.map(\.name) == ["view02"])
  }
}
