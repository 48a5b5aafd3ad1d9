import Domain
import Testing
import Wire

@testable import Doctor

private let now = SampleNode.now
private let theirs = SampleNode.theirs
private let lb2 = SampleNode.lb2
private let virtual = SampleNode.virtual

private func facts(_ change: (inout Facts) -> Void = { _ in }) throws -> Facts { try SampleNode.facts(change) }

/// The findings of one check as `verdict: text`.
private func findings(_ check: String, _ change: (inout Facts) -> Void = { _ in }) throws -> [String] {
  Check.findings(try facts(change)).filter { $0.check == check }.map { "\($0.verdict.rawValue): \($0.text)" }
}

private func speaker(
  _ source: IPAddress = lb2, version: UInt8 = 3, addresses: [IPAddress] = [virtual]
) -> RouterFacts.Speaker {
  RouterFacts.Speaker(source: source, priority: 90, version: version, addresses: addresses)
}

@Suite struct `What doctor makes of facts` {
  @Test func `a node on which all is well has one good line for each check`() throws {
    let found = Check.findings(try facts())
    #expect(found.allSatisfy { $0.verdict == .ok && $0.fix.isEmpty }, "\(found)")
    #expect(found.map(\.check) == Check.all.map(\.name))
    #expect(Examination(node: "lb1", version: "1", findings: found).exitStatus == 0)
  }

  @Test func `the exit status is that of the worst finding, and what was not checked does not count`() {
    func status(_ verdicts: Finding.Verdict...) -> Int32 {
      Examination(node: "", version: "", findings: verdicts.map { Finding("x", "", $0, "") }).exitStatus
    }
    #expect(status(.ok, .unknown) == 0)
    #expect(status(.ok, .warning, .unknown) == 1)
    #expect(status(.fault, .warning) == 2)
  }

  @Test func `problems of the configuration are listed, and those of the files only once`() throws {
    let problem = ConfigurationFacts.Problem(isError: true, text: "b.yaml:1:1: no key", fix: "add it")
    let other = ConfigurationFacts.Problem(isError: true, text: "view.key: Permission denied")
    let change = { (facts: inout Facts) in
      facts.configuration.problems = [problem]
      facts.files = .found(ConfigurationFacts(path: "", user: "belvedere", problems: [problem, other]))
    }
    #expect(try findings("configuration", change) == ["fault: b.yaml:1:1: no key"])
    #expect(try findings("files", change) == ["fault: view.key: Permission denied"])
    #expect(try findings("files") { $0.files = .unknown("not root") } == ["not checked: not root"])
  }

  @Test(arguments: [(-1, "fault: CN=view has expired"), (29, "warning: CN=view expires"), (30, "ok: CN=view is valid")])
  func `a certificate is judged by the days that it has left`(days: Int64, words: String) throws {
    let found = try findings("certificate") {
      $0.certificates[0].notAfter = WallTime(seconds: now.seconds + days * 86_400)
    }
    #expect(found.count == 1 && found[0].hasPrefix(words), "\(found)")
  }

  @Test(arguments: [(200, "ok"), (503, "warning"), (500, "fault"), (404, "fault")] as [(UInt16, String)])
  func `a server is judged by its answer`(status: UInt16, verdict: String) throws {
    #expect(try findings("server") { $0.servers[0].status = status }[0].hasPrefix(verdict))
  }

  @Test func `a server without an answer is a fault, and one that is not asked is not`() throws {
    #expect(try findings("server") { $0.servers[0].failure = "timed out" } == ["fault: 192.0.2.21:443: timed out"])
    #expect(try findings("server") { $0.servers[0].status = nil } == ["ok: 192.0.2.21:443 accepts connections"])
  }

  @Test func `a server in maintenance is no fault, and one that was not asked in time is not checked`() throws {
    #expect(
      try findings("server") { $0.servers[0].visit = .inMaintenance } == [
        "ok: 192.0.2.21:443 is in maintenance, as an administrator has requested"
      ])
    #expect(
      try findings("server") { $0.servers[0].visit = .tooLate }[0].hasPrefix("not checked: 192.0.2.21:443 was not"))
  }

  @Test func `a credential that only the service gets is not checked`() throws {
    let problem = ConfigurationFacts.Problem(
      isError: false,
      text: "b.yaml:2:3: credential:view.key: is passed by systemd at the start of the service, and not checked here")
    let change = { (facts: inout Facts) in
      facts.configuration.problems = [problem]
      facts.files = .found(ConfigurationFacts(path: "", user: "belvedere", problems: [problem]))
    }
    #expect(try findings("configuration", change) == ["not checked: " + problem.text])
    #expect(try findings("files", change) == ["ok: nothing else is wrong for the user belvedere"])
  }

  @Test func `another certificate on a server is a warning, except where clients are shown the server's own`() throws {
    let other = try #require(theirs)
    #expect(try findings("thumbprint") { $0.servers[0].certificate?.fingerprint = other }[0].hasPrefix("warning"))
    #expect(try findings("thumbprint") { $0.certificates = [] }.isEmpty)
    #expect(try findings("thumbprint") { $0.servers[0].certificate = nil }.isEmpty)
  }

  @Test func `refused names are listed with the lines that are missing`() throws {
    let found = Check.findings(
      try facts { facts in
        facts.servers[0].hosts += [
          .init(host: "a.test", hasOrigin: false, status: 421), .init(host: "b.test", hasOrigin: false, status: 200),
          .init(host: "b.test", hasOrigin: true, status: 403),
        ]
      }
    ).filter { $0.check == "host" }
    #expect(found.map(\.text) == ["it answers 421 to Host: a.test, 403 to Origin: https://b.test"])
    #expect(found[0].fix.hasSuffix("portalHost.1=a.test  portalHost.2=b.test"))
    // About the path, not the name.
    #expect(try findings("host") { $0.servers[0].hosts[1].status = 404 } == ["ok: it accepts view.test"])
    #expect(try findings("host") { $0.servers[0].hosts[1].status = nil }[0].hasPrefix("not checked"))
    #expect(try findings("host") { $0.servers[0].hosts = [] }.isEmpty)
  }

  @Test(arguments: [(10, "ok"), (11, "warning"), (-11, "warning"), (.min, "warning")] as [(Int64, String)])
  func `clocks may differ by ten seconds`(ahead: Int64, verdict: String) throws {
    #expect(try findings("clock") { $0.servers[0].secondsAhead = ahead }[0].hasPrefix(verdict))
  }

  @Test(
    arguments: [
      (.up, "ok"), (.down, "fault"), (.missing, "fault"), (.withoutCarrier, "fault"),
    ] as [(RouterFacts.Link, String)])
  func `an interface must be up`(link: RouterFacts.Link, verdict: String) throws {
    #expect(try findings("interface") { $0.routers[0].link = link }[0].hasPrefix(verdict))
  }

  @Test func `a virtual address in no network of the interface is a warning`() throws {
    let found = try findings("address") {
      $0.routers[0].networks = [VirtualAddress(address: IPAddress(v4: 0x0a00_0001), prefixLength: 8)]
    }
    #expect(found.count == 1 && found[0].hasPrefix("warning: 192.0.2.100 is in no network of eth0 (10.0.0.1/8)"))
    #expect(try findings("address") { $0.routers[0].errors = ["the only address"] } == ["fault: the only address"])
    #expect(try findings("address") { $0.routers[0].link = .missing }.isEmpty)
  }

  @Test func `one other node may advertise, and no other one`() throws {
    func judged(_ speakers: [RouterFacts.Speaker], _ change: (inout RouterFacts) -> Void = { _ in }) throws -> String {
      try findings("router id") {
        $0.routers[0].speakers = .found(speakers)
        change(&$0.routers[0])
      }[0]
    }
    let stray = IPAddress(v4: 0xc000_0263)
    #expect(try judged([]) == "ok: no node advertises router id 51")
    #expect(try judged([]) { $0.role = .active } == "ok: this node alone advertises router id 51")
    #expect(try judged([speaker()]) == "ok: 192.0.2.12 is Active, with priority 90")
    #expect(try judged([speaker()]) { $0.role = .active }.hasPrefix("fault: 192.0.2.12 advertises"))
    #expect(try judged([speaker(), speaker(stray)]).hasPrefix("fault: 192.0.2.12 and 192.0.2.99 both advertise"))
    #expect(try judged([speaker(stray)]) { $0.nodes = [lb2] }.hasPrefix("fault: 192.0.2.99 advertises"))
    // Over IPv6 nodes advertise from link-local addresses.
    let linkLocal = IPAddress(v6High: 0xfe80 << 48, low: 1)
    #expect(try judged([speaker(linkLocal)]) { $0.nodes = [lb2] }.hasPrefix("ok: fe80::1 is Active"))
    #expect(try judged([speaker(version: 2)]).hasPrefix("fault: 192.0.2.12 advertises router id 51 in version 2"))
    #expect(try judged([speaker(addresses: [stray])]).contains("for other addresses (192.0.2.99)"))
  }

  @Test func `hearing nothing is a problem where another node is Active, or this one is Backup`() throws {
    func judged(_ role: VirtualRouterRole?, activeNode: String? = nil) throws -> String {
      try findings("router id") { ($0.routers[0].role, $0.routers[0].activeNode) = (role, activeNode) }[0]
    }
    #expect(try judged(.backup) == "warning: this node is Backup, and no node advertises router id 51")
    #expect(try judged(.backup, activeNode: "lb2").hasPrefix("fault: lb2 is Active, and its advertisements"))
    #expect(try judged(.fault, activeNode: "lb2").hasPrefix("fault: lb2 is Active, and its advertisements"))
    #expect(try judged(.fault) == "ok: no node advertises router id 51")
    #expect(try judged(nil) == "ok: no node advertises router id 51")
  }

  @Test(arguments: [
    ("chain input { type filter hook input priority 0; policy accept;\n ip protocol vrrp drop }", "ok"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n tcp dport 443 accept\n }", "warning"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n ip protocol vrrp accept\n }", "ok"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n meta l4proto 112 accept\n }", "ok"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n tcp dport 112 accept\n }", "warning"),
    ("chain filter_INPUT {\n type filter hook input priority 0;\n reject with icmpx admin-prohibited\n }", "warning"),
    ("chain output {\n type filter hook output priority 0; policy drop;\n }", "ok"), ("", "ok"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n ip protocol { vrrp, ah } accept\n }", "ok"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n meta l4proto { 51, 112 } accept\n }", "ok"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n ip protocol vmap { vrrp : accept }\n }", "ok"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n ip protocol != vrrp accept\n }", "warning"),
    ("chain input {\n type filter hook input priority 0; policy drop;\n ip daddr 224.0.0.18 accept\n }", "ok"),
    (
      """
      chain input {\n type filter hook input priority 0; policy drop;\n }
      chain output {\n type filter hook output priority 0; policy drop;\n ip protocol vrrp accept\n }
      """, "warning"
    ),
    (
      """
      chain input {\n type filter hook input priority 0; policy drop;\n jump own\n }
      chain own {\n ip protocol vrrp accept\n }
      """, "ok"
    ),
    ("chain forward {\n type filter hook forward priority 0; policy drop;\n counter packets 0 bytes 0 drop }", "ok"),
  ])
  func `a firewall that drops by default must name VRRP`(rules: String, verdict: String) throws {
    #expect(try findings("firewall") { $0.firewall = .found(rules) }[0].hasPrefix(verdict))
  }

  @Test func `a strict filter of reverse paths is a warning with a second interface`() throws {
    #expect(
      try findings("reverse path") { $0.interfacesWithIPv4 = ["eth0", "eth1"] }[0].contains("eth1 has an address"))
    #expect(
      try findings("reverse path") {
        $0.interfacesWithIPv4 = ["eth0", "eth1"]
        $0.routers[0].reversePathFilter = 2
      } == ["ok: rp_filter of eth0 is 2"])
  }

  @Test func `networkd is a warning, because it removes addresses that it does not know`() throws {
    #expect(try findings("network manager") { $0.routers[0].manager = "systemd-networkd" }[0].hasPrefix("warning"))
    #expect(try findings("network manager") { $0.routers[0].manager = "NetworkManager" }[0].hasPrefix("ok"))
    #expect(
      try findings("network manager") {
        $0.routers[0].manager = "systemd-networkd"
        $0.routers[0].keepsAddresses = true
      }[0].hasPrefix("ok: systemd-networkd manages eth0"))
  }

  @Test func `the machine's shortages are listed`() throws {
    let taken = [PortFacts(listener: "*:443", owner: "nginx (process 8)"), PortFacts(listener: "*:80", owner: "")]
    #expect(
      try findings("ports") { $0.ports = .found(taken) } == [
        "fault: taken by nginx (process 8)", "fault: taken by another program",
      ])
    #expect(try findings("limits") { $0.shortfalls = .found(["too few"]) } == ["warning: too few"])
    #expect(try findings("limits") { $0.shortfalls = .unknown("why") } == ["not checked: why"])
  }

  @Test func `late advertisements are a matter of scheduling`() throws {
    func judged(_ scheduling: RunningService.Scheduling?) throws -> String {
      var service = RunningService(version: "1")
      service.scheduling = scheduling
      return try findings("scheduling") { $0.service = .found(service) }[0]
    }
    #expect(try judged(.realtime).hasPrefix("ok"))
    #expect(try judged(.nice(0)).hasPrefix("warning"))
    #expect(try judged(nil).hasPrefix("not checked"))
    #expect(try findings("scheduling") { $0.routers = [] }.isEmpty)
  }

  @Test func `keepalived beside virtual routers is a fault, HAProxy a warning`() throws {
    func judged(_ leftover: Leftover, hasRouters: Bool = true) throws -> [String] {
      try findings("leftovers") {
        $0.leftovers = [leftover]
        if !hasRouters { $0.routers = [] }
      }
    }
    let keepalived = Leftover(program: "keepalived", isRunning: true, isEnabled: true)
    #expect(try judged(keepalived) == ["fault: it runs and starts at boot"])
    #expect(try judged(keepalived, hasRouters: false) == ["warning: it runs and starts at boot"])
    #expect(try judged(Leftover(program: "haproxy", isRunning: true, isEnabled: false)) == ["warning: it runs"])
    #expect(
      try judged(Leftover(program: "haproxy", isRunning: false, isEnabled: true)) == [
        "warning: it starts at the next boot"
      ])
  }

  @Test func `the other node must answer and have the same release`() throws {
    func judged(_ nodes: [RunningService.Node], _ differences: [String] = []) throws -> [String] {
      var service = RunningService(version: "1.0.0")
      (service.nodes, service.differences) = (nodes, differences)
      return try findings("pair") { $0.service = .found(service) }
    }
    #expect(try judged([.init(name: "lb2", answers: false, version: nil)])[0].hasPrefix("fault"))
    #expect(
      try judged([.init(name: "lb2", answers: true, version: "0.9.0")]) == [
        "warning: runs release 0.9.0, this node 1.0.0"
      ])
    #expect(try judged([], ["clock: 3 s"]) == ["warning: clock: 3 s"])
    func other(_ change: (inout RunningService.Node) throws -> Void) throws -> [String] {
      var node = RunningService.Node(name: "lb2", answers: true, version: "1.0.0")
      try change(&node)
      return Array(try judged([node]).dropFirst())
    }
    #expect(
      try other { $0.unreachedServices = ["", "portal"] } == [
        "fault: reaches no server, and would serve no client after a failover",
        "fault: reaches no server of portal, and would serve no client after a failover",
      ])
    for (days, verdict) in [(-1, "fault"), (5, "warning"), (31, nil)] as [(Int64, String?)] {
      let certificate = try #require(SampleNode.other(days: days))
      let found = try other { $0.certificates = [certificate] }
      #expect(found.map { String($0.prefix { $0 != ":" }) } == [verdict].compactMap { $0 })
    }
    #expect(
      try other {
        $0.findings = [
          Finding("configuration", "", .warning, "line 3"), Finding("interface", "router-51", .fault, "eth0 is down"),
        ]
      } == ["warning: configuration: line 3", "fault: interface router-51: eth0 is down"])
    // One that this node has too has a line of its own; one of a node that does not answer may be long renewed.
    let own = PresentedCertificate(
      title: "ours", fingerprint: try #require(SampleNode.ours), notAfter: SampleNode.now)
    #expect(try other { $0.certificates = [own] }.isEmpty)
    #expect(
      try other {
        $0.answers = false
        $0.unreachedServices = [""]
      }.isEmpty)
    #expect(try findings("pair") { $0.isPaired = false }.isEmpty)
  }
}

@Suite struct `The text of doctor` {
  @Test func `findings stand in columns, with what to do below`() {
    let findings = [
      Finding("server", "view01", .ok, "192.0.2.21:443 answers 200"),
      Finding("host", "view01", .fault, "it answers 421", fix: "balancedHost=view.test"),
      Finding("ports", "", .unknown, "why\u{1b}[2J"),
    ]
    let text = ExaminationText(Examination(node: "lb1", version: "1.0.0", findings: findings)).text
    #expect(
      text == """
        belvedere 1.0.0 on lb1: 1 fault; 1 check was not possible

          ok           server view01  192.0.2.21:443 answers 200
          fault        host view01    it answers 421
                                      → balancedHost=view.test
          not checked  ports          why\\u{1b}[2J

        """)
  }

  @Test func `long texts are wrapped between words`() {
    let long = Finding("x", "", .warning, Array(repeating: "word", count: 60).joined(separator: " "))
    let text = ExaminationText(Examination(node: "lb1", version: "1", findings: [long]), width: 60).text
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 60 } && text.split(separator: "\n").count > 5)
  }
}
