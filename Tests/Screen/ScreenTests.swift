import Control
import Domain
import Foundation
import Testing
import Wire

@testable import Screen

@Suite struct `The screen of status` {
  @Test(arguments: [(80, 24, 2), (40, 20, 2), (200, 60, 2), (80, 24, 200), (40, 20, 200), (200, 60, 200)])
  func `a report has this text on a screen of each size`(columns: Int, rows: Int, servers: Int) throws {
    var screen = sampleScreen(servers: UInt64(servers))
    let text = screen.text(columns, rows).map { $0 + "\n" }.joined()
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/\(columns)x\(rows)-\(servers)-servers.txt")
    if ProcessInfo.processInfo.environment["BELVEDERE_UPDATE_GOLDEN"] != nil {
      try text.write(to: path, atomically: true, encoding: .utf8)
    } else {
      #expect((try? String(contentsOf: path, encoding: .utf8)) == text)
    }
  }

  @Test func `every screen has as many lines as it has rows, and none is too long`() {
    for count in [1, 2, 200] as [UInt64] {
      var screen = sampleScreen(servers: count)
      screen.fail("the service is not running: no process listens at /run/belvedere/control.sock")
      for size in [
        (1, 1), (1, 50), (5, 2), (20, 3), (39, 7), (64, 24), (80, 1), (133, 44), (1000, 1000), (0, 0), (-1, 9),
      ] {
        let size = ScreenSize(columns: size.0, rows: size.1)
        for key in ["", "?", "G", "s"] {
          screen.type(key)
          let lines = screen.lines(size, plots: .ascii, at: at(130)).map { $0.rendered(isColoured: false) }
          #expect(lines.count == size.rows)
          #expect(lines.allSatisfy { $0.count <= size.columns }, "\(size), key \(key)")
        }
      }
    }
  }

  @Test func `a server that is not up comes first, with its reason in full where there is no column for it`() throws {
    var screen = sampleScreen(servers: 200)
    for columns in [40, 80, 200] {
      let lines = screen.text(columns, 60)
      let head = try #require(lines.firstIndex { $0.hasPrefix("server  ") })
      #expect(lines[head + 1].hasPrefix("view002  down"))
      #expect(
        lines[(head + 1)...].prefix(3).joined(separator: " ").split(separator: " ").joined(separator: " ")
          .contains("health check failed: connection refused"))
      let next = columns == 200 ? head + 2 : columns == 80 ? head + 3 : head + 4
      #expect(lines[next].hasPrefix("view150  drain"), "\(columns)")
    }
  }

  @Test func `each press of s sorts the servers by another figure, and the footer says by which`() {
    var screen = sampleScreen(servers: 9)
    let first = ["state": "view002", "configured": "view001", "sessions": "view006", "requests": "view004"]
    for order in ["state", "configured", "sessions", "requests", "state"] {
      let lines = screen.text(120, 40)
      #expect(lines.last?.contains("s sort: \(order) ") == true)
      let head = lines.firstIndex { $0.hasPrefix("server  ") } ?? 0
      #expect(lines[head + 1].hasPrefix(first[order] ?? "-"), "\(order): \(lines[head + 1])")
      #expect(screen.type("s") == .draw)
    }
  }

  @Test func `control characters of a terminal are shown escaped, in every part of the screen`() {
    var hostile = server(1, .down)
    hostile.reason = "a\u{1b}[2Jb\u{202e}c\nd"
    hostile.name = "view\u{1b}]0;x\u{07}"
    var report = sampleReport(servers: [hostile])
    report.node = "lb\u{1b}[2J"
    report.service = ["x\u{9b}2J"]
    report.problems[0].text = "p\u{1b}[2J"
    report.pair?.nodes[1].name = "n\u{1b}[2J"
    report.pair?.differences[0].text = "d\u{1b}[2J"
    report.certificates[0].names = ["c\u{1b}[2J"]
    report.routers[0].faults = ["f\u{1b}[2J"]
    var screen = Screen()
    screen.update(report, at: at(0))
    screen.fail("no answer\u{1b}[2J")
    for columns in [40, 200] {
      let lines = screen.text(columns, 200)
      #expect(lines.allSatisfy { $0.count <= columns && !$0.unicodeScalars.contains(where: \.isControl) })
      #expect(lines.joined().contains("a\\u{1b}[2Jb\\u{202e}c\\nd"))
    }
  }
}

@Suite struct `Keys on the screen` {
  @Test func `keys scroll by a line and by a page, and no farther than to the ends`() {
    var screen = sampleScreen(servers: 200)
    func place() -> String { String(screen.text(80, 24).last?.split(separator: "  ").last ?? "").trimmed }
    let total = screen.text(80, 1000).prefix { !$0.hasPrefix(" q quit") }.reversed().drop(while: \.isEmpty).count - 2
    #expect(place() == "1-21 of \(total) lines")
    #expect(screen.handle(.up) == .nothing)
    #expect(screen.handle(.down) == .draw)
    #expect(place() == "2-22 of \(total) lines")
    #expect(screen.handle(.pageDown) == .draw)
    #expect(place() == "22-42 of \(total) lines")
    #expect(screen.handle(.pageUp) == .draw)
    #expect(place() == "2-22 of \(total) lines")
    #expect(screen.handle(.end) == .draw)
    #expect(place() == "\(total - 20)-\(total) of \(total) lines")
    #expect(screen.handle(.pageDown) == .nothing)
    #expect(screen.handle(.start) == .draw)
    #expect(place() == "1-21 of \(total) lines")
  }

  @Test func `a screen that grows at the end shows the end`() {
    var screen = sampleScreen(servers: 200)
    _ = screen.text(80, 24)
    _ = screen.handle(.end)
    let end = screen.text(80, 24).dropLast().last
    #expect(screen.text(80, 60).dropLast().last == end)
  }

  @Test func `q quits, and in the help any key returns to the status`() {
    var screen = sampleScreen(servers: 2)
    #expect(screen.type("?") == .draw)
    #expect(screen.text(80, 24).contains("Keys"))
    #expect(screen.type("q") == .draw)
    #expect(!screen.text(80, 24).contains("Keys"))
    #expect(screen.type("x") == .nothing)
    #expect(screen.type("q") == .quit)
  }

  @Test func `a pause keeps what is shown and says how old it is, and its end shows the latest report`() {
    var screen = sampleScreen(servers: 2)
    screen.type(" ")
    let before = screen.text(80, 24)
    screen.update(sampleReport(servers: [server(1, .down)], after: 130), at: at(130))
    let after = screen.text(80, 24, after: 130)
    #expect(after.contains("paused: what is shown is 10 s old"))
    #expect(after[0] == before[0])
    screen.type(" ")
    #expect(screen.text(80, 24, after: 130)[0].hasSuffix("as of 11:34:11 UTC"))
  }
}

@Suite struct `The age of what the screen shows` {
  @Test func `a service that does not answer is named with the age of what is shown, until it answers`() {
    var screen = sampleScreen(servers: 2)
    screen.fail("the service is not running")
    #expect(screen.text(80, 24, after: 132).contains("What is shown is 12 s old: the service is not running"))
    screen.update(sampleReport(servers: [server(1)], after: 133), at: at(133))
    #expect(!screen.text(80, 24, after: 133).joined().contains("What is shown"))
  }

  @Test func `a report that is older than four seconds is called old`() {
    var screen = sampleScreen(servers: 2)
    #expect(!screen.text(80, 24, after: 124).joined().contains("What is shown"))
    #expect(screen.text(80, 24, after: 126).contains("What is shown is 6 s old: the service does not answer"))
  }

  @Test func `a restart of the service is shown for a minute, and rates begin again`() {
    var screen = sampleScreen(servers: 2)
    for (seconds, isShown) in [(10, true), (70, false)] as [(UInt64, Bool)] {
      var report = sampleReport(servers: [server(1)], after: 120 + seconds)
      report.since = sampleTime + .seconds(120)
      report.pid = 5000
      screen.update(report, at: at(120 + seconds))
      let text = screen.text(80, 24, after: 120 + seconds)
      #expect(text.contains("the service was restarted 10 s ago; its counters began at 0") == isShown)
    }
  }

  @Test func `before the first report the screen says what it waits for`() {
    var screen = Screen()
    screen.fail("the service is not running")
    #expect(screen.text(80, 24).prefix(2) == ["belvedere: waiting for the service", "the service is not running"])
  }
}

@Suite struct `Figures of the screen` {
  @Test func `the rate and the time of a server are those of the last 15 seconds`() {
    var pace = ServerPace()
    #expect(pace.requestsPerSecond(of: "view001") == nil)
    for seconds in 0...40 as ClosedRange<UInt64> {
      pace.note(sampleReport(servers: [server(1, after: seconds)], after: seconds))
    }
    #expect(pace.requestsPerSecond(of: "view001") == 11)
    #expect(pace.responseMilliseconds(of: "view001") == 8)
    #expect(pace.requestsPerSecond(of: "view002") == nil)
    // Counters that have begun again at 0.
    pace.note(sampleReport(servers: [server(1)], after: 41))
    #expect(pace.requestsPerSecond(of: "view001") == nil)
  }

  @Test func `a plot has the last values, from 0 to the highest of them`() {
    let values: [Double?] = [9, 0, 1, nil, 4, 8]
    #expect(PlotStyle.blocks.plot(values, width: 5) == "▁▂ ▅█")
    #expect(PlotStyle.ascii.plot(values, width: 5) == ".: +#")
    #expect(PlotStyle.blocks.plot([0, 0], width: 4) == "  ▁▁")
    #expect(PlotStyle.blocks.plot([.infinity, -1, .nan, 1e300], width: 4) == "   █")
    #expect(PlotStyle.blocks.plot(values, width: -3) == "")
  }

  @Test
  func `a frame erases each line before its text, so that the last column stays, and has colours only if it is to`() {
    let lines = [PageLine("a", .bad), PageLine("b")]
    #expect(ScreenFrame.text(lines, isColoured: false) == "\u{1b}[H\u{1b}[2Ka\r\n\u{1b}[2Kb")
    #expect(ScreenFrame.text(lines, isColoured: true) == "\u{1b}[H\u{1b}[2K\u{1b}[31ma\u{1b}[0m\r\n\u{1b}[2Kb")
  }
}

extension String {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
