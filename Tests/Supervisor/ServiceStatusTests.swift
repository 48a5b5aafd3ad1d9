import Control
import Domain
import WorkerProtocol
import Testing
import Wire

@testable import Supervisor

private func moment(_ seconds: UInt64) -> WallTime { WallTime(milliseconds: seconds * 1000) }

private let endpoint = Endpoint(address: IPAddress(v4: 0xc0a8_01a5), port: 443)

private func place(_ name: String) -> ServerIdentity { ServerIdentity(name: name, endpoint: endpoint) }

private func description(of names: [String]) -> ServiceDescription {
  var description = ServiceDescription()
  description.servers = names.map { StatusReport.Server(place($0)) }
  return description
}

private func status(of names: [String]) -> ServiceStatus { ServiceStatus(description(of: names)) }

private func servers(of status: ServiceStatus, _ states: AdminStates = AdminStates()) -> [StatusReport.Server] {
  var report = StatusReport(
    time: moment(0), since: moment(0), configuration: .init(number: 1, since: moment(0), threads: 1))
  status.fill(&report, states)
  return report.servers
}

@Suite struct `The service's status` {
  @Test func `a server's own name is sufficient if only one service has such a server`() {
    let several = status(of: ["view/view01", "view/view02", "cards/view01"])
    #expect(several.fullName(of: "view02") == "view/view02")
    #expect(several.fullName(of: "cards/view01") == "cards/view01")
    for name in ["view01", "view", "/view02", "ew/view02", ""] { #expect(several.fullName(of: name) == nil, "\(name)") }
    #expect(status(of: ["view01"]).fullName(of: "view01") == "view01")
  }

  @Test func `the status line has the load, the number of servers up, and every server that is not up`() {
    var status = status(of: ["view01", "view02", "view03"])
    #expect(status.line == "serving")
    status.note(Load(connections: 12, exchanges: 3, requests: 4711), at: Instant(nanoseconds: 0))
    #expect(status.line == "0 sessions, 12 connections, 4711 requests")
    for (name, sessions) in [("view01", 4), ("view02", 5)] as [(String, UInt64)] {
      status.note(
        ServerLoad(clients: 90, sessions: sessions, exchanges: 0, waiting: 0, connections: 0), of: place(name))
    }
    status.note(.init(identity: place("view01"), state: .up, reason: ""), at: moment(1))
    status.note(.init(identity: place("view03"), state: .down, reason: ""), at: moment(1))
    status.note(.init(identity: place("view02"), state: .drain, reason: ""), at: moment(1))
    #expect(
      status.line == "9 sessions, 12 connections, 4711 requests; servers: 1 of 3 up, view02 drain, view03 down")
    status.workerEnded()
    #expect(status.line == "serving")
  }

  @Test func `a state has the time of its last change, whichever worker reported it`() {
    var status = status(of: ["view01"])
    status.note(.init(identity: place("view01"), state: .down, reason: "first"), at: moment(1))
    status.note(.init(identity: place("view01"), state: .down, reason: "second"), at: moment(2))
    #expect(servers(of: status).map(\.since) == [moment(1)])
    #expect(servers(of: status).map(\.reason) == ["second"])
    status.workerEnded()
    #expect(servers(of: status).map(\.state) == [nil])
    #expect(servers(of: status).map(\.since) == [nil])
    status.note(.init(identity: place("view01"), state: .down, reason: "third"), at: moment(3))
    #expect(servers(of: status).map(\.since) == [moment(1)])
    status.note(.init(identity: place("view01"), state: .up, reason: ""), at: moment(4))
    #expect(servers(of: status).map(\.since) == [moment(4)])
  }

  @Test func `each server has its administrative state and load, and loads end with the worker`() {
    var status = status(of: ["view01", "view02"])
    var states = AdminStates()
    _ = states.apply(.drain, to: "view02", at: moment(1))
    _ = states.apply(.weight(7), to: "view02", at: moment(2))
    status.note(
      ServerLoad(clients: 4, sessions: 3, exchanges: 2, waiting: 1, connections: 5), of: place("view01"))
    let shown = servers(of: status, states)
    #expect(shown.map(\.load) == [.init(clients: 4, sessions: 3, exchanges: 2, waiting: 1, connections: 5), nil])
    #expect(shown.map(\.adminState) == [nil, .init(mode: .drain, weight: 7, since: moment(2))])
    #expect(shown.map(\.weight) == [1, 7])
    #expect(shown.map(\.configuredWeight) == [1, 1])
    status.workerEnded()
    #expect(servers(of: status, states).map(\.load) == [nil, nil])
  }

  @Test func `each server has its last check, truncated, until its worker ends`() {
    var status = status(of: ["view01", "view02"])
    let long = String(repeating: "x", count: 5000)
    var check = ServerCheck(time: moment(1), result: long, milliseconds: 14, count: 1, needed: 2)
    for name in ["view02", "unknown"] {
      status.note(.serverCheck(check, of: place(name)), at: Instant(nanoseconds: 0), moment(1))
    }
    check.result = String(long.prefix(1024))
    #expect(servers(of: status).map(\.lastCheck) == [nil, check])
    #expect(status.size == 1)
    status.workerEnded()
    #expect(servers(of: status).map(\.lastCheck) == [nil, nil])
    #expect(status.size == 0)
  }

  @Test func `a service is confirmed by a server that is up, and whose last check had a result that says so`() {
    var status = status(of: ["cards/view01", "view/view01"])
    func note(_ state: ServerState, of name: String = "cards/view01") {
      status.note(.init(identity: place(name), state: state, reason: ""), at: moment(1))
    }
    func check(_ count: UInt64, _ needed: UInt64, of name: String = "cards/view01") {
      let check = ServerCheck(time: moment(1), result: "", milliseconds: 1, count: count, needed: needed)
      status.note(.serverCheck(check, of: place(name)), at: Instant(nanoseconds: 0), moment(1))
    }
    #expect(!status.isConfirmed(service: "cards"))
    note(.up)
    note(.up, of: "view/view01")
    #expect(!status.isConfirmed(service: "cards"), "not checked")
    check(0, 1)
    #expect(!status.isConfirmed(service: "cards"), "not checked with these settings")
    check(1, 2)
    #expect(!status.isConfirmed(service: "cards"), "in doubt")
    check(0, 0)
    #expect(status.isConfirmed(service: "cards") && servers(of: status)[0].isConfirmed)
    #expect(!status.isConfirmed(service: "view") && !servers(of: status)[1].isConfirmed)
    note(.drain)
    #expect(!status.isConfirmed(service: "cards"))
    note(.up)
    status.workerEnded()
    #expect(!status.isConfirmed(service: "cards"))
  }

  @Test func `certificates are those of the newest configuration, and the worker's`() {
    var status = status(of: [])
    func note(_ number: UInt64, _ place: UInt16) {
      var certificate = ServedCertificate(notAfter: .last)
      certificate.file = "\(number).\(place)"
      status.note(
        .certificate(certificate, index: place, number: number), at: Instant(nanoseconds: 1_000_000_000), moment(0))
      var authority = ClientAuthority(.authority)
      authority.file = certificate.file
      status.note(
        .clientAuthority(authority, index: place, number: number), at: Instant(nanoseconds: 1_000_000_000), moment(0))
    }
    func report() -> StatusReport {
      var report = StatusReport(
        time: moment(0), since: moment(0), configuration: .init(number: 1, since: moment(0), threads: 1))
      status.fill(&report, AdminStates())
      return report
    }
    for place in 0..<3 as Range<UInt16> { note(1, place) }
    #expect(report().certificates.map(\.file) == ["1.0", "1.1", "1.2"])
    for place in 0..<2 as Range<UInt16> { note(2, place) }
    #expect(report().certificates.map(\.file) == ["2.0", "2.1"])
    #expect(report().certificates.map(\.notAfter) == [.last, .last])
    #expect(report().authorities?.map(\.file) == ["2.0", "2.1"])
    status.workerEnded()
    #expect(report().certificates.isEmpty && report().authorities == [])
  }

  @Test func `a server that is up and has a weight takes new clients`() {
    var status = status(of: ["view01", "view02"])
    var states = AdminStates()
    let server = StatusReport.Server(place("view02"))
    #expect(!status.takesNewClients(insteadOf: server, states))
    status.note(.init(identity: place("view01"), state: .up, reason: ""), at: moment(1))
    status.note(.init(identity: place("view02"), state: .drain, reason: ""), at: moment(1))
    #expect(status.takesNewClients(insteadOf: server, states))
    _ = states.apply(.weight(0), to: "view01", at: moment(2))
    #expect(!status.takesNewClients(insteadOf: server, states))
  }

  @Test func `a server of another service takes no new clients of this one`() {
    var status = status(of: ["view/view01", "cards/view01"])
    status.note(.init(identity: place("view/view01"), state: .up, reason: ""), at: moment(1))
    #expect(status.takesNewClients(insteadOf: StatusReport.Server(place("view/view01")), AdminStates()))
    #expect(!status.takesNewClients(insteadOf: StatusReport.Server(place("cards/view01")), AdminStates()))
  }

  @Test func `a new configuration keeps the states of its servers, in its own order`() {
    var before = status(of: ["view01", "view02"])
    for name in ["view01", "view02"] {
      before.note(.init(identity: place(name), state: .up, reason: ""), at: moment(1))
    }
    before.adopt(status(of: ["view03", "view02"]).description)
    #expect(servers(of: before).map(\.name) == ["view03", "view02"])
    #expect(servers(of: before).map(\.state) == [nil, .up])
    #expect(before.line == "servers: 1 of 2 up")
  }

  @Test func `a removed server is shown while connections to it are open`() {
    var status = status(of: ["view01", "view02"])
    status.note(.init(identity: place("view01"), state: .up, reason: ""), at: moment(1))
    status.note(load(exchanges: 2), of: place("view01"))
    status.adopt(description(of: ["view02"]))
    #expect(servers(of: status).map(\.name) == ["view02", "view01"])
    #expect(servers(of: status).map(\.isRemoved) == [false, true])
    #expect(status.server("view01", AdminStates()) == nil)
    status.note(.init(identity: place("view01"), state: .down, reason: "silent"), at: moment(2))
    #expect(servers(of: status)[1].state == .down)
    #expect(status.hasReachableServer == nil)
    status.note(load(exchanges: 0), of: place("view01"))
    #expect(servers(of: status).map(\.name) == ["view02"])
    status.note(load(exchanges: 1), of: place("view01"))
    status.adopt(description(of: ["view01", "view02"]))
    #expect(servers(of: status).map(\.isRemoved) == [false, false])
    #expect(servers(of: status)[0].since == moment(2))
    status.adopt(description(of: ["view02"]))
    status.workerEnded()
    #expect(servers(of: status).map(\.name) == ["view02"])
  }

  @Test func `a server with a new address is another server, and the old one is shown while in use`() {
    let elsewhere = ServerIdentity(name: "view01", endpoint: Endpoint(address: endpoint.address, port: 8443))
    var status = status(of: ["view01"])
    status.note(.init(identity: place("view01"), state: .up, reason: ""), at: moment(1))
    status.note(load(exchanges: 2), of: place("view01"))
    var moved = ServiceDescription()
    moved.servers = [StatusReport.Server(elsewhere)]
    status.expect(moved)
    // The worker may report it before it reports that the configuration is in use.
    status.note(.init(identity: elsewhere, state: .down, reason: "refused"), at: moment(2))
    #expect(servers(of: status).map(\.state) == [.up])
    status.adopt(moved)
    let shown = servers(of: status)
    #expect(shown.map(\.identity) == [elsewhere, place("view01")])
    #expect(shown.map(\.state) == [.down, .up])
    #expect(shown.map(\.load?.exchanges) == [nil, 2])
    #expect(status.line == "servers: 0 of 1 up, view01 down")
    #expect(status.hasReachableServer == false)
  }

  @Test func `if too many servers are removed, unused ones are dropped first`() {
    let names = (0..<2 * ServiceStatus.removedLimit).map { "view\($0)" }
    var status = status(of: ["first"])
    status.note(load(exchanges: 1), of: place("first"))
    status.adopt(description(of: names))
    status.adopt(description(of: ["last"]))
    status.adopt(description(of: ["very last"]))
    #expect(servers(of: status).map(\.name) == ["very last", "first"])
    status.note(load(exchanges: 0), of: place("first"))
    #expect(servers(of: status).map(\.name) == ["very last"], "it is still heard of")
  }

  @Test func `the worker may report removed servers and those of the next configuration`() {
    var status = status(of: ["view01", "view02"])
    #expect(status.serverCount == 2)
    status.expect(description(of: ["view02", "view03"]))
    #expect(status.serverCount == 3)
    status.adopt(description(of: ["view03"]))
    #expect(status.serverCount == 3)
    status.workerEnded()
    #expect(status.serverCount == 1)
  }

  private func load(exchanges: UInt64) -> ServerLoad {
    ServerLoad(clients: 0, sessions: 0, exchanges: exchanges, waiting: 0, connections: exchanges)
  }

  @Test func `servers are reachable if one is up or drains, unreachable if all were checked and none is`() {
    var status = status(of: ["view01", "view02"])
    #expect(status.hasReachableServer == nil)
    status.note(.init(identity: place("view01"), state: .down, reason: ""), at: moment(1))
    #expect(status.hasReachableServer == nil)
    status.note(.init(identity: place("view02"), state: .down, reason: ""), at: moment(1))
    #expect(status.hasReachableServer == false)
    status.note(.init(identity: place("view02"), state: .drain, reason: ""), at: moment(2))
    #expect(status.hasReachableServer == true)
    status.workerEnded()
    #expect(status.hasReachableServer == nil)
    status.note(.init(identity: place("view01"), state: .up, reason: ""), at: moment(3))
    #expect(status.hasReachableServer == true)
  }

  @Test func `servers that are in no configuration are not stored, whatever a worker reports`() {
    var status = status(of: ["view01"])
    for number in 0..<1000 {
      status.note(.init(identity: place("unknown\(number)"), state: .up, reason: ""), at: moment(1))
      status.note(
        ServerLoad(clients: 1, sessions: 1, exchanges: 1, waiting: 1, connections: 1), of: place("\(number)"))
    }
    #expect(status.size == 0)
    #expect(status.hasReachableServer == nil)
    #expect(status.line == "serving")
  }

  @Test func `servers of a pending configuration are stored before it applies, and dropped if it is refused`() {
    var status = status(of: ["view01"])
    let next = description(of: ["view01", "view02"])
    status.expect(next)
    status.note(.init(identity: place("view02"), state: .up, reason: ""), at: moment(1))
    #expect(servers(of: status).map(\.name) == ["view01"])
    #expect(status.hasReachableServer == nil)
    var refused = status
    refused.expect(nil)
    #expect(refused.size == 0)
    status.adopt(next)
    #expect(servers(of: status).map(\.state) == [nil, .up])
    #expect(status.hasReachableServer == true)
  }

  @Test func `certificates are bounded in number and in bytes`() {
    var status = status(of: [])
    let long = String(repeating: "\u{1b}", count: 255)
    for place in 0..<5000 as Range<UInt16> {
      var certificate = ServedCertificate(notAfter: .last)
      (certificate.file, certificate.subject, certificate.serial, certificate.fingerprint) = (long, long, long, long)
      certificate.names = place % 2 == 0 ? [] : Array(repeating: long, count: 32)
      status.note(
        .certificate(certificate, index: place, number: 1), at: Instant(nanoseconds: 1_000_000_000), moment(0))
      var authority = ClientAuthority(.revocationList)
      (authority.service, authority.file, authority.subject) = (long, long, long)
      status.note(
        .clientAuthority(authority, index: place, number: 1), at: Instant(nanoseconds: 1_000_000_000), moment(0))
    }
    #expect(status.size <= WorkerEvent.certificateLimit + WorkerEvent.authorityLimit)
    var report = StatusReport(
      time: moment(0), since: moment(0), configuration: .init(number: 1, since: moment(0), threads: 1))
    status.fill(&report, AdminStates())
    #expect(ControlAnswer.status(report).line.utf8.count < ControlAnswer.byteLimit)
  }
}
