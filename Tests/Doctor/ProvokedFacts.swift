import Domain
import Wire

@testable import Doctor

/// Changes of a healthy node that together provoke every line of doctor.
enum ProvokedFacts {
  typealias Change = @Sendable (inout Facts) throws -> Void

  static let changes: [Change] = configuration + servers + routers + speakers + machine + service

  private static let configuration: [Change] = [
    { $0.configuration.problems = [.init(isError: true, text: "b.yaml: no key", fix: "add it")] },
    { $0.configuration.problems = [.init(isError: false, text: "b.yaml: unusual")] },
    { $0.files = .unknown("not root") },
    { $0.certificates[0].notAfter = WallTime(seconds: SampleNode.now.seconds - 1) },
    { $0.certificates[0].notAfter = WallTime(seconds: SampleNode.now.seconds + 86_400) },
  ]

  private static let servers: [Change] = [
    { $0.servers[0].failure = "timed out" },
    { $0.servers[0].visit = .inMaintenance },
    { $0.servers[0].visit = .tooLate },
    { $0.servers[0].status = nil },
    { $0.servers[0].status = 503 },
    { $0.servers[0].status = 500 },
    { $0.servers[0].certificate?.fingerprint = SampleNode.theirs ?? $0.certificates[0].fingerprint },
    { $0.servers[0].hosts[0].status = 421 },
    { $0.servers[0].hosts[1].status = 403 },
    { $0.servers[0].hosts.append(.init(host: "portal.test", hasOrigin: false, status: 400)) },
    { $0.servers[0].hosts[0].status = nil },
    { $0.servers[0].secondsAhead = nil },
    { $0.servers[0].secondsAhead = 60 },
    { $0.servers[0].secondsAhead = -60 },
  ]

  private static let routers: [Change] = [
    { $0.routers[0].link = .missing },
    { $0.routers[0].link = .down },
    { $0.routers[0].link = .withoutCarrier },
    { $0.routers[0].errors = ["the only address"] },
    { $0.routers[0].warnings = ["an address of a killed keepalived"] },
    { $0.routers[0].networks = [] },
    { $0.routers[0].networks = [VirtualAddress(address: IPAddress(v4: 0x0a00_0001), prefixLength: 8)] },
    { $0.interfacesWithIPv4 = ["eth0", "eth1"] },
    { $0.routers[0].manager = "systemd-networkd" },
    { $0.routers[0].manager = "NetworkManager" },
    { $0.firewall = .unknown("not root") },
    { $0.firewall = .found("chain input {\n type filter hook input priority 0; policy drop;\n}") },
    {
      $0.firewall = .found(
        "chain input {\n type filter hook input priority 0; policy drop;\n ip protocol 112 accept\n}")
    },
  ]

  private static func speaker(
    _ source: IPAddress = SampleNode.lb2, version: UInt8 = 3, addresses: [IPAddress] = [SampleNode.virtual]
  ) -> RouterFacts.Speaker {
    RouterFacts.Speaker(source: source, priority: 90, version: version, addresses: addresses)
  }

  private static let other = IPAddress(v4: 0xc000_0263)

  private static let speakers: [Change] = [
    { $0.routers[0].speakers = .unknown("not root") },
    { $0.routers[0].speakers = .found([speaker()]) },
    { $0.routers[0].speakers = .found([speaker(addresses: [other])]) },
    { $0.routers[0].speakers = .found([speaker(version: 2)]) },
    { $0.routers[0].speakers = .found([speaker(), speaker(other)]) },
    {
      $0.routers[0].speakers = .found([speaker(other)])
      $0.routers[0].nodes = [SampleNode.lb2]
    },
    {
      $0.routers[0].speakers = .found([speaker()])
      $0.routers[0].role = .active
    },
    { $0.routers[0].role = .active },
    { $0.routers[0].role = .backup },
    { $0.routers[0].activeNode = "lb2" },
  ]

  private static let machine: [Change] = [
    { $0.ports = .unknown("not root") },
    {
      $0.ports = .found([
        PortFacts(listener: "*:443", owner: "nginx (process 8)"), PortFacts(listener: "*:80", owner: ""),
      ])
    },
    { $0.shortfalls = .unknown("why") },
    { $0.shortfalls = .found(["too few"]) },
    { $0.leftovers = [Leftover(program: "haproxy", isRunning: true, isEnabled: true)] },
    { $0.leftovers = [Leftover(program: "keepalived", isRunning: true, isEnabled: false)] },
    { $0.leftovers = [Leftover(program: "keepalived", isRunning: false, isEnabled: true)] },
  ]

  private static let service: [Change] = [
    { $0.service = .unknown("it does not run") },
    { facts in change(&facts) { $0.scheduling = nil } },
    { facts in change(&facts) { $0.scheduling = .realtime } },
    { facts in change(&facts) { $0.scheduling = .nice(0) } },
    { facts in change(&facts) { $0.nodes = [.init(name: "lb2", answers: false, version: nil)] } },
    { facts in change(&facts) { $0.nodes = [.init(name: "lb2", answers: true, version: nil)] } },
    { facts in change(&facts) { $0.nodes = [.init(name: "lb2", answers: true, version: "0.9.0")] } },
    { facts in change(&facts) { $0.nodes[0].unreachedServices = ["", "portal"] } },
    { facts in change(&facts) { $0.nodes[0].certificates = [SampleNode.other(days: -1)].compactMap { $0 } } },
    { facts in change(&facts) { $0.nodes[0].certificates = [SampleNode.other(days: 5)].compactMap { $0 } } },
    { facts in change(&facts) { $0.differences = ["clock: 3 s"] } },
  ]

  private static func change(_ facts: inout Facts, _ body: (inout RunningService) -> Void) {
    guard case .found(var service) = facts.service else { return }
    body(&service)
    facts.service = .found(service)
  }
}
