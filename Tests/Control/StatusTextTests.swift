import Domain
import Simulation
import Testing
import Wire

@testable import Control

private let samplePage = """
  belvedere 0.1.0 on lb1: serving
    service        view.domain.local
    listens on     *:443, *:80 (redirect)
    running for    3 d 2 h (process 4710), its worker for 3 d 1 h (process 4711)
    configuration  7 for 12 m, 4 threads, 1 before it still in use
    connections    1204 of 10000, 1.5 new a second, 40211 in all
    requests       311 under way, 12.0 new a second, 1204411 in all
    clients        15 of 100000 remembered
    UDP flows      7 of 4000, 5000 datagrams relayed, 3 dropped
    refused        3 handshakes, 2 for want of a server
    certificate    view.domain.local, portal.domain.local; until 2026-12-02, 10 d
                   left; serial 03A1; /etc/belvedere/tls/view.pem
    client CAs     required; authority CN=Clients CA, until 2026-12-02, 10 d left;
                   revocation list CN=Clients CA, without end
    trace          192.0.2.7, 42 s left, with TLS secrets, for pid 4720, uid 0

  virtual router  state   since    priority
  router-51       backup  3 m 5 s  1 of 101
      servers; 192.168.1.170/24 on eth0; peer 192.168.1.163 with priority 100,
      heard 1 s ago; advertisements: 12 sent, 4711 received, 2 rejected for
      checksum; became active once
      2 timers were late, by 17 ms at most: the machine is overloaded

  server  state    since     sessions  clients  exchanges  waiting
  view01  drain    0 s       12        15       9          2
      192.168.1.165:443; 11 connections; 3 UDP flows; weight 5; slow start: 38 %
      of its weight; named view01.domain.local; ports 5001; administratively; last
      check 4 s ago: 200 (14 ms); another certificate than clients are shown;
      requested 0 s ago: drain, weight 5; configured: weight 1
  view02  down     1 m 35 s
      192.168.1.166:443; connection refused; last check 2 s ago: 200 (14 ms), 1 of
      2 needed
  view03  unknown
      [fd00::167]:443

  last problems
    1 m 35 s ago  server view02 is down, was up: health check failed: connection
                  refused
    2 h ago       accepting pauses (14 times)

  """

private func page(_ report: StatusReport, isColoured: Bool = false) -> String {
  StatusText(report, isColoured: isColoured).text
}

@Suite struct `The status page` {
  @Test func `a host name is served by the service or certificate that has it, itself or by a wildcard`() {
    var report = StatusReport(time: sampleTime, since: sampleTime, configuration: sampleReport.configuration)
    #expect(report.mayServe("view.test"))
    report.service = ["view.test"]
    var certificate = ServedCertificate(notAfter: sampleTime)
    certificate.names = ["*.Domain.local", "192.0.2.1"]
    report.certificates = [certificate]
    for name in ["view.test", "a.domain.local"] { #expect(report.mayServe(name)) }
    for name in ["other.test", "domain.local", "a.b.domain.local", "b.view.test", "local"] {
      #expect(!report.mayServe(name))
    }
  }

  @Test func `the page has all that an operator looks for, in 80 columns`() {
    #expect(page(sampleReport) == samplePage)
  }

  @Test(arguments: ["", "cards"])
  func `the service is shown with its maintenance`(service: String) {
    var report = sampleReport
    if !service.isEmpty {
      report.services = [.init(name: service, mode: "http", names: ["c.test"], listeners: ["*:443"])]
    }
    #expect(!page(report).contains("maintenance"))
    report.maintenance = [
      .init(service: service, since: WallTime(milliseconds: sampleTime.milliseconds - 240_000), node: "lb2")
    ]
    let text = page(report).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(text.contains(", in maintenance for 4 m (requested on lb2)"))
  }

  @Test func `colours do not change the text`() {
    let coloured = page(sampleReport, isColoured: true)
    #expect(coloured.replacing(/\u{1b}\[[0-9]+m/, with: "") == samplePage)
    #expect(coloured.contains("\u{1b}[31mdown\u{1b}[0m"))
    #expect(coloured.contains("\u{1b}[33mdrain\u{1b}[0m"))
    #expect(coloured.contains("\u{1b}[33m until 2026-12-02, 10 d"))
  }

  @Test func `an expired certificate is reported as expired`() {
    var report = sampleReport
    report.certificates[0].notAfter = WallTime(milliseconds: sampleTime.milliseconds - 1)
    report.certificates[0].names = []
    #expect(page(report).contains("certificate    CN=view.domain.local; expired 2026-11-22; serial 03A1"))
  }

  @Test func `the longest values fit`() {
    var report = sampleReport
    report.servers[0].name = String(repeating: "n", count: 60)
    report.servers[0].state = .maintenance
    report.servers[0].since = WallTime(milliseconds: sampleTime.milliseconds - 86_399_000)
    report.servers[0].load = .init(
      clients: 10_000_000, sessions: 10_000_000, exchanges: 1_000_000, waiting: 1_000_000, connections: 1_000_000)
    #expect(page(report).split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test func `a service without a worker or a report has a page`() {
    let moment = WallTime(milliseconds: 0)
    let report = StatusReport(
      time: moment, since: moment, configuration: .init(number: 1, since: moment, threads: 1))
    #expect(page(report).contains("configuration  1 for 0 s, 1 thread\n"))
    #expect(page(report).contains("no worker"))
  }

  @Test func `each of several services has a line, and a server names its own`() {
    var report = sampleReport
    report.describe([
      .init(name: "view", mode: "http", names: ["view.domain.local"], listeners: ["*:443", "*:80 (redirect)"]),
      .init(name: "smart-cards", mode: "passthrough", names: ["cards.domain.local"], listeners: ["*:443"]),
    ])
    report.servers[0].name = "smart-cards/view-server-01"
    let text = page(report)
    #expect(text.contains("smart-cards    cards.domain.local, passthrough, on *:443\n"))
    #expect(text.contains("\nview-server-01 "))
    #expect(text.contains("    service smart-cards, 192.168.1.165:443"))
    #expect(report.mode == "mixed" && report.listeners == ["*:443", "*:80 (redirect)"])
  }

  @Test func `a server under a command has a line for it`() {
    #expect(StatusText.line(of: sampleServer) == "view01: drain, weight 5, configured 1, 12 sessions left")
    var server = sampleServer
    server.state = .down
    server.adminState?.mode = .maintenance
    server.weight = 1
    server.load?.sessions = 1
    #expect(StatusText.line(of: server) == "view01: down, maintenance requested, 1 session left")
    server.state = .up
    server.adminState = nil
    #expect(StatusText.line(of: server) == "view01: up, 1 session")
    server.load = nil
    #expect(StatusText.line(of: server) == "view01: up")
  }

  @Test func `in a pair the page shows on which node a command was given`() {
    var report = sampleReport
    report.servers[0].adminState?.node = "lb2"
    #expect(page(report).contains("requested 0 s ago on lb2: drain, weight 5"))
  }

  @Test func `a check with former settings is shown as such`() {
    var report = sampleReport
    report.servers[1].lastCheck?.count = 0
    #expect(page(report).contains("200 (14 ms), none\n    "))
    #expect(page(report).contains("with the present settings yet"))
  }

  @Test func `control characters of a terminal are shown escaped`() {
    var report = sampleReport
    report.servers[0].reason = "a\u{1b}[2Jb\u{202e}c\nd"
    report.servers[1].lastCheck?.result = "e\u{1b}[2Jf"
    let text = page(report)
    #expect(text.contains("a\\u{1b}[2Jb\\u{202e}c\\nd"))
    #expect(text.contains("e\\u{1b}[2Jf"))
  }

  @Test func `no line exceeds 80 columns, whatever the report has`() {
    let seed: UInt64 = 20_261_125
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      var report = sampleReport
      func text(_ limit: UInt64) -> String {
        String((0..<random.next() % limit).map { _ in Array("ab -:ü✂")[Int(random.next() % 7)] })
      }
      report.service = [text(100), text(300)]
      report.node = text(20)
      report.servers[0].reason = text(300)
      report.servers[1].lastCheck?.result = text(300)
      report.servers[1].name = text(60)
      report.certificates[0].names = [text(300), text(20)]
      report.problems[0].text = text(300)
      for line in page(report).split(separator: "\n") where line.count > 80 {
        Issue.record("seed \(seed): \(line)")
      }
    }
  }

  @Test(
    arguments: [
      (0, "0 s"), (59, "59 s"), (60, "1 m"), (95, "1 m 35 s"), (600, "10 m"), (3599, "59 m"), (3600, "1 h"),
      (3660, "1 h 1 m"), (86_399, "23 h 59 m"), (86_400, "1 d"), (97_200, "1 d 3 h"), (864_000, "10 d"),
    ] as [(UInt64, String)])
  func `an age has its largest units only`(seconds: UInt64, words: String) {
    #expect("\(Age(seconds))" == words)
  }
}
