import Control
import Domain
import Wire
import Testing

@testable import Supervisor

private func moment(_ seconds: UInt64) -> WallTime { WallTime(milliseconds: seconds * 1000) }

@Suite struct `Administrative states` {
  @Test func `the answer to a command has the whole state, with earlier commands`() {
    var states = AdminStates()
    #expect(states.apply(.drain, to: "view01", at: moment(1)) == AdminState(mode: .drain, since: moment(1)))
    let both = AdminState(mode: .drain, weight: 5, since: moment(2))
    #expect(states.apply(.weight(5), to: "view01", at: moment(2)) == both)
    let maintenance = AdminState(mode: .maintenance, since: moment(3))
    #expect(states.apply(.maintenance, to: "view02", at: moment(3)) == maintenance)
    let weight = AdminState(weight: 5, since: moment(4))
    #expect(states.apply(.ready, to: "view01", at: moment(4)) == weight)
    #expect(states.all.map(\.name) == ["view01", "view02"])
    #expect(states.all.map(\.state) == [weight, maintenance])
    #expect(states["view01"] == weight)
    #expect(states.number == 4)
  }

  @Test func `a server whose commands are all revoked has no state`() {
    var states = AdminStates()
    _ = states.apply(.drain, to: "view01", at: moment(1))
    _ = states.apply(.weight(0), to: "view01", at: moment(1))
    _ = states.apply(.weight(nil), to: "view01", at: moment(1))
    #expect(states["view01"] != nil)
    #expect(states.apply(.ready, to: "view01", at: moment(1)) == AdminState(since: moment(1)))
    #expect(states["view01"] == nil && states.all.isEmpty)
    #expect(states.number == 4)
  }

  @Test func `a repeated command keeps the time of the first`() {
    var states = AdminStates()
    _ = states.apply(.drain, to: "view01", at: moment(1))
    _ = states.apply(.drain, to: "view01", at: moment(9))
    #expect(states["view01"]?.since == moment(1))
  }

  @Test func `a server that the configuration no longer has loses its state`() {
    var states = AdminStates()
    for name in ["view01", "view02"] { _ = states.apply(.drain, to: name, at: moment(1)) }
    #expect(states.keep(["view02", "view03"]) == [])
    #expect(states.all.map(\.name) == ["view02"])
  }

  @Test(arguments: [
    ("view01", "view/view01"), ("view/view01", "view01"), ("view/view01", "portal/view01"),
  ])
  func `a server that the new configuration renames keeps its state`(name: String, heir: String) {
    for isKnown in [true, false] {
      var states = AdminStates()
      _ = states.apply(.maintenance, to: name, at: moment(1))
      // A start has the state from the file alone.
      if isKnown { #expect(states.keep([name, "view/view02"]) == []) }
      let state = AdminState(mode: .maintenance, since: moment(1))
      #expect(states.keep([heir, "view/view02"]) == [.moved(name, to: heir, state)])
      #expect(states.all.map(\.name) == [heir] && states[heir] == state)
    }
  }

  @Test func `a state is dropped and reported if the renamed server is ambiguous`() {
    let state = AdminState(mode: .drain, since: moment(1))
    var states = AdminStates()
    _ = states.apply(.drain, to: "view01", at: moment(1))
    _ = states.keep(["view01"])
    #expect(states.keep(["b/view01", "a/view01"]) == [.dropped("view01", state, ["a/view01", "b/view01"])])
    // One of two servers is kept: a or b.
    _ = states.apply(.drain, to: "a/view01", at: moment(1))
    #expect(states.keep(["c/view01"]) == [.dropped("a/view01", state, ["c/view01"])])
    #expect(states.all.isEmpty)
  }

  @Test func `an existing server does not inherit the state of a removed one`() {
    var states = AdminStates()
    _ = states.keep(["a/view01", "b/view01"])
    _ = states.apply(.drain, to: "a/view01", at: moment(1))
    #expect(states.keep(["b/view01"]) == [])
    #expect(states.all.isEmpty)
  }

  @Test func `a service keeps its maintenance, also under another name, and ends it where it has none`() {
    let (view, cards) = (AdminSubject.service("view").key, AdminSubject.service("cards").key)
    var states = AdminStates()
    _ = states.keep([view, cards, "view/view01"])
    let state = states.apply(.maintenance, to: view, at: moment(1))
    #expect(states.keep([view, "view/view01"]) == [] && states[view] == state)
    #expect(states.keep([cards, "cards/view01"]) == [.moved(view, to: cards, state)] && states[cards] == state)
    #expect(states.keep(["view01"]) == [.ended(cards)])
    #expect(states.all.isEmpty)
    _ = states.keep([view])
    _ = states.apply(.maintenance, to: view, at: moment(1))
    let unnamed = AdminSubject.service("").key
    // Either could be meant.
    #expect(states.keep([cards, unnamed]).contains(.ended(view)) && states.all.isEmpty)
  }

  @Test func `a service has no state but maintenance, whatever a file or another node says`() {
    let view = AdminSubject.service("").key
    let states = [
      AdminState(mode: .drain, since: moment(1)), AdminState(mode: .maintenance, weight: 0, since: moment(1)),
    ]
    for state in states {
      var pair = AdminStates(AdminStateSnapshot([view: state]), node: "lb1")
      _ = pair.keep([view])
      let isMerged = pair.merge(state, of: view, at: moment(1))
      #expect(pair.all.isEmpty && !isMerged)
    }
  }

  @Test func `the later of two nodes' commands applies, whatever their clocks say`() {
    var (first, second) = (AdminStates(node: "lb1"), AdminStates(node: "lb2"))
    _ = first.keep(["view01"])
    _ = second.keep(["view01"])
    let drain = first.apply(.drain, to: "view01", at: moment(1000))
    #expect(drain == AdminState(mode: .drain, since: moment(1000), node: "lb1"))
    let isLater = [second.merge(drain, of: "view01", at: moment(1)), second.merge(drain, of: "view01", at: moment(1))]
    #expect(isLater == [true, false] && second["view01"] == drain)
    // The clock of the second one is behind.
    let ready = second.apply(.ready, to: "view01", at: moment(1))
    #expect(ready.isLater(than: drain) && second["view01"] == nil)
    #expect(second.all.map(\.state) == [ready])
    // The former command does not return.
    let isReady = [first.merge(ready, of: "view01", at: moment(1)), first.merge(drain, of: "view01", at: moment(1))]
    #expect(isReady == [true, false] && first["view01"] == nil)
    // A repeated command applies again.
    let again = first.apply(.ready, to: "view01", at: moment(2000))
    #expect(again == AdminState(since: moment(2000), node: "lb1"))
  }

  @Test func `of two commands at the same time both nodes apply the same one`() {
    let drain = AdminState(mode: .drain, since: moment(5), node: "lb1")
    let maintenance = AdminState(mode: .maintenance, since: moment(5), node: "lb2")
    for order in [[drain, maintenance], [maintenance, drain]] {
      var states = AdminStates(node: "lb3")
      _ = states.keep(["view01"])
      for state in order { _ = states.merge(state, of: "view01", at: moment(1)) }
      #expect(states["view01"] == maintenance)
    }
  }

  @Test func `a state that was requested before there was a pair is one of this node in it`() {
    var before = AdminStates()
    _ = before.apply(.drain, to: "view01", at: moment(1))
    let states = AdminStates(before.snapshot, node: "lb1")
    #expect(states["view01"] == AdminState(mode: .drain, since: moment(1), node: "lb1"))
    #expect(AdminStates(states.snapshot, node: "lb2")["view01"]?.node == "lb1")
    #expect(AdminStates(before.snapshot)["view01"]?.node == nil)
  }

  @Test func `a state of another node is refused for an unknown server, from far ahead, and without a pair`() {
    let state = AdminState(mode: .drain, since: moment(5), node: "lb2")
    var (alone, paired) = (AdminStates(), AdminStates(node: "lb1"))
    _ = alone.keep(["view01"])
    _ = paired.keep(["view01"])
    let merged = [
      alone.merge(state, of: "view01", at: moment(1)), paired.merge(state, of: "view02", at: moment(1)),
      paired.merge(AdminState(mode: .drain, since: .last, node: "lb2"), of: "view01", at: moment(1)),
      // More than a day ahead.
      paired.merge(AdminState(mode: .drain, since: moment(86_401), node: "lb2"), of: "view01", at: moment(1)),
    ]
    #expect(merged == [false, false, false, false])
    #expect(alone.all.isEmpty && paired.all.isEmpty && paired.number == 0)
  }

  @Test func `a command that was given while the clock was days ahead does not outlast later ones`() {
    var states = AdminStates(node: "lb1")
    _ = states.keep(["view01", "view02"])
    let ahead = states.apply(.drain, to: "view01", at: moment(200_000))
    #expect(states.apply(.drain, to: "view02", at: moment(5)).since == moment(5))
    // The other node has not believed it.
    let other = AdminState(mode: .maintenance, since: moment(4), node: "lb2")
    var copy = states
    let isMerged = copy.merge(other, of: "view01", at: moment(5))
    #expect(isMerged && copy["view01"] == other)
    #expect(states["view01"] == ahead && states.apply(.ready, to: "view01", at: moment(5)).since == moment(5))
  }

  @Test func `a server that is ready again keeps no state when the configuration drops it`() {
    var states = AdminStates(node: "lb1")
    _ = states.keep(["view01"])
    _ = states.apply(.drain, to: "view01", at: moment(1))
    _ = states.apply(.ready, to: "view01", at: moment(2))
    #expect(states.keep(["view/view01"]) == [])
    #expect(states.all.isEmpty)
  }
}
