import Control
import Domain
import Testing
import WorkerProtocol
import Wire

@testable import Supervisor

private let endpoint = Endpoint(address: IPAddress(v4: 0xc0a8_01a5), port: 443)

private func status(of names: [String]) -> ServiceStatus {
  var description = ServiceDescription()
  description.servers = names.map { StatusReport.Server(ServerIdentity(name: $0, endpoint: endpoint)) }
  return ServiceStatus(description)
}

private func status(ofServices names: [String]) -> ServiceStatus {
  var description = ServiceDescription()
  description.services = names.map { .init(name: $0, mode: "http", names: [], listeners: []) }
  return ServiceStatus(description)
}

@Suite struct `The answer to a command for a service` {
  @Test(
    arguments: [
      ([""], nil, ""), (["view"], nil, "view"), (["view", "cards"], "cards", "cards"), (["view", "cards"], nil, nil),
      (["view"], "cards", nil),
    ] as [([String], String?, String?)])
  func `names the only service where none is named`(services: [String], name: String?, expected: String?) {
    #expect(status(ofServices: services).serviceName(name) == expected)
  }

  @Test(
    arguments: [
      (["view", "cards"], nil, "there are several services, name one: view, cards"),
      (["view", "cards"], "card", "the configuration has no service `card`. Did you mean `cards`?"),
      (["view", "cards"], "x", "the configuration has no service `x`. There are: view, cards"),
      ([""], "view", "the configuration has no `services`: leave the name out"),
    ] as [([String], String?, String)])
  func `says why there is no such service`(services: [String], name: String?, reason: String) {
    #expect(status(ofServices: services).refusal(ofService: name) == .refused([reason]))
  }

  @Test func `says whether the service is in maintenance, and warns`() {
    let key = AdminSubject.service("cards").key
    var states = AdminStates()
    _ = states.apply(.maintenance, to: key, at: WallTime(milliseconds: 0))
    let answer = status(ofServices: ["cards"]).answer(key, states, isApplied: true, .saved)
    #expect(answer == .maintained(service: "cards", isOn: true, warnings: []))
    let early = status(ofServices: ["cards"]).answer(key, AdminStates(), isApplied: false, .saved)
    let warning = "no worker has applied it yet; the next one applies it before it serves"
    #expect(early == .maintained(service: "cards", isOn: false, warnings: [warning]))
    let forgotten = status(ofServices: ["cards"]).answer(key, states, isApplied: true, .unwanted, absent: ["lb2"])
    let warnings = [
      "it lasts until a restart only: the configuration has no `server-state-file`",
      "lb2 does not answer, and learns it when it is back",
    ]
    #expect(forgotten == .maintained(service: "cards", isOn: true, warnings: warnings))
  }
}

private func warnings(_ answer: ControlAnswer) -> [String]? {
  guard case .changed(_, let warnings) = answer else { return nil }
  return warnings
}

@Suite struct `The answer to a command for a server` {
  @Test(arguments: [
    ("view/view1", "the configuration has no server `view/view1`. Did you mean `view/view1x`?"),
    ("x", "the configuration has no server `x`. There are: view/view1x, view/same, cards/same"),
    ("same", "several services have a server `same`: view/same, cards/same"),
  ])
  func `says why there is no such server`(name: String, reason: String) {
    #expect(status(of: ["view/view1x", "view/same", "cards/same"]).refusal(ofServer: name) == .refused([reason]))
  }

  @Test func `warns if no worker has applied it, or if no server of the service takes new clients`() {
    var status = status(of: ["view01"])
    let early = status.answer("view01", AdminStates(), isApplied: false, .saved)
    #expect(warnings(early) == ["no worker has applied it yet; the next one applies it before it serves"])
    let down = status.answer("view01", AdminStates(), isApplied: true, .saved)
    #expect(warnings(down) == ["no server takes new clients now: they are answered with 503"])
    let identity = ServerIdentity(name: "view01", endpoint: endpoint)
    status.note(.init(identity: identity, state: .up, reason: ""), at: WallTime(milliseconds: 0))
    #expect(warnings(status.answer("view01", AdminStates(), isApplied: true, .unwanted)) == [])
  }

  @Test func `warns if the state file can't be written`() {
    let answer = status(of: ["view01"]).answer(
      "view01", AdminStates(), isApplied: false, .failed(path: "/f", reason: "full"))
    #expect(warnings(answer)?.last == "it lasts until a restart only: /f can't be written (full), and is tried again")
  }

  @Test func `is a refusal if a reload has removed the server`() {
    #expect(
      status(of: []).answer("view01", AdminStates(), isApplied: true, .saved)
        == .refused(["server view01: it was removed by a reload meanwhile"]))
  }
}
