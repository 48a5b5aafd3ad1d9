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
