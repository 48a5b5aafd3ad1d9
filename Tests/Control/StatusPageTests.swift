import Simulation
import Testing

@testable import Control

private let samplePage = """
  belvedere 0.1.0 on lb1: serving
    service      view.domain.local
    listens on   *:443, *:80 (redirect)
    running for  3 d 2 h (process 4710), its worker for 3 d 1 h (process 4711)
    generation   7 for 12 m, 4 threads
    traffic      1204 of 10000 connections, 311 exchanges, 1204411 requests

  server  state    since     sessions  clients  exchanges  waiting
  view01  drain    0 s       12        15       9 of 4000  2
      192.168.1.165:443; weight 5; by order; ordered 0 s ago: drain, weight 5;
      configured: weight 1
  view02  down     1 m 35 s
      192.168.1.166:443; connection refused
  view03  unknown
      [fd00::167]:443

  """

private func page(_ report: StatusReport, isColoured: Bool = false) -> String {
  StatusPage(report, isColoured: isColoured).text
}

@Suite struct `The status page` {
  @Test func `it shows everything that an operator looks for, in 80 columns`() {
    #expect(page(sampleReport) == samplePage)
  }

  @Test func `colours are laid over the same text`() {
    let coloured = page(sampleReport, isColoured: true)
    #expect(coloured.replacing(/\u{1b}\[[0-9]+m/, with: "") == samplePage)
    #expect(coloured.contains("\u{1b}[31mdown\u{1b}[0m"))
    #expect(coloured.contains("\u{1b}[33mdrain\u{1b}[0m"))
  }

  @Test func `a service of which little is known yet has a page`() {
    let moment = Moment(milliseconds: 0)
    let report = StatusReport(
      time: moment, since: moment, generation: .init(number: 1, since: moment, threads: 1))
    #expect(page(report).contains("generation   1 for 0 s, 1 thread\n"))
    #expect(page(report).contains("no worker"))
  }

  @Test func `a server after an order is told in a line`() {
    #expect(StatusPage.line(of: sampleServer) == "view01: drain, weight 5, configured 1, 12 sessions left")
    var server = sampleServer
    server.state = .down
    server.order?.mode = .maintenance
    server.weight = 1
    server.load?.sessions = 1
    #expect(StatusPage.line(of: server) == "view01: down, maintenance ordered, 1 session left")
    server.state = .up
    server.order = nil
    #expect(StatusPage.line(of: server) == "view01: up, 1 session")
    server.load = nil
    #expect(StatusPage.line(of: server) == "view01: up")
  }

  @Test func `what a terminal would obey is shown instead`() {
    var report = sampleReport
    report.servers[0].reason = "a\u{1b}[2Jb\u{202e}c\nd"
    let text = page(report)
    #expect(text.contains("a\\u{1b}[2Jb\\u{202e}c\\u{a}d"))
  }

  @Test func `no line is longer than 80 columns, whatever is in the report`() {
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
      report.servers[1].name = text(60)
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
  func `an age is told by what matters of it`(seconds: UInt64, words: String) {
    #expect("\(Age(seconds))" == words)
  }
}
