import Control
import Wire

/// The full-screen view of `belvedere status --watch`: what the terminal shows, from the reports and the keys. Pure.
package struct Screen {
  /// What a key asks of the terminal.
  package enum Effect: Hashable, Sendable {
    case nothing, draw, quit
  }

  private var latest = WatchedStatus()
  /// What is shown while the view is paused.
  private var paused: WatchedStatus?
  private var order = ServerOrder.state
  private var isHelpShown = false
  /// The first line of the body that is shown.
  private var first = 0
  /// The lines of the body, and how many of them fit on the screen, when it was last drawn.
  private var (bodyCount, room) = (0, 0)

  package init() {}

  // MARK: events

  /// Takes over a report.
  package mutating func update(_ report: StatusReport, at now: Instant) { latest.update(report, at: now) }

  /// The service has not answered, for this reason.
  package mutating func fail(_ reason: String) { latest.fault = reason }

  /// Acts upon a key. Scrolling refers to what was drawn last.
  package mutating func handle(_ key: Key) -> Effect {
    if isHelpShown {
      (isHelpShown, first) = (false, 0)
      return .draw
    }
    switch key {
    case .character(UInt8(ascii: "q")): return .quit
    case .up, .character(UInt8(ascii: "k")): return scroll(to: first - 1)
    case .down, .character(UInt8(ascii: "j")): return scroll(to: first + 1)
    case .pageUp, .character(UInt8(ascii: "b")): return scroll(to: first - max(1, room - 1))
    case .pageDown, .character(UInt8(ascii: "f")): return scroll(to: first + max(1, room - 1))
    case .start, .character(UInt8(ascii: "g")): return scroll(to: 0)
    case .end, .character(UInt8(ascii: "G")): return scroll(to: bodyCount)
    case .character(UInt8(ascii: "s")): order = order.next
    case .character(UInt8(ascii: " ")): paused = paused == nil ? latest : nil
    case .character(UInt8(ascii: "?")), .character(UInt8(ascii: "h")): (isHelpShown, first) = (true, 0)
    // Ctrl-L, as everywhere for a screen that something else has written on.
    case .character(0x0c): return .draw
    default: return .nothing
    }
    return .draw
  }

  private mutating func scroll(to line: Int) -> Effect {
    let line = max(0, min(line, bodyCount - room))
    guard line != first else { return .nothing }
    first = line
    return .draw
  }

  // MARK: drawing

  /// Exactly as many lines as the screen has rows, none longer than a row.
  package mutating func lines(_ size: ScreenSize, plots: PlotStyle, at now: Instant) -> [PageLine] {
    let status = paused ?? latest
    let head = (title(of: status, size.columns) + notices(size.columns, at: now)).prefix(max(0, size.rows - 2))
    room = max(0, size.rows - head.count - 1)
    let body = isHelpShown ? help : ScreenSections(status, order, width: size.columns, plots).lines
    bodyCount = body.count
    first = max(0, min(first, bodyCount - room))
    let shown = body.dropFirst(first).prefix(room)
    let filling = Array(repeating: PageLine(""), count: room - shown.count)
    let lines = head + shown + filling + [footer(size.columns)]
    return lines.prefix(size.rows).map { $0.clipped(to: size.columns) }
  }

  private func title(of status: WatchedStatus, _ width: Int) -> [PageLine] {
    guard let report = status.report else { return [PageLine("belvedere: waiting for the service", .bold)] }
    var line = PageLine("belvedere \(report.version) on \(report.node): ", .bold)
    line.append(report.state.rawValue, report.state == .serving ? .good : .bad)
    let time = "as of \(report.time.description.dropFirst(11).prefix(8)) UTC"
    let gap = width - line.count - time.count
    if gap > 1 { line.append(String(repeating: " ", count: gap) + time) }
    let names = report.service.joined(separator: ", ")
    return [line, PageLine("\(names), running for \(Age(report.time.seconds(since: report.since)))")]
  }

  /// What must not be overlooked, also while the view is paused or scrolled.
  private func notices(_ width: Int, at now: Instant) -> [PageLine] {
    var lines: [PageLine] = []
    if let text = latest.notice(at: now) { lines.append(PageLine(text, .bad)) }
    if let restart = latest.restart { lines.append(PageLine(restart, .doubtful)) }
    if let age = paused?.age(at: now) { lines.append(PageLine("paused: what is shown is \(age) old", .doubtful)) }
    return lines.flatMap { $0.wrapped(after: "", indent: 0, width: max(20, width)).prefix(3) }
  }

  private func footer(_ width: Int) -> PageLine {
    let place = bodyCount > room ? "\(first + 1)-\(min(first + room, bodyCount)) of \(bodyCount) lines" : ""
    let texts = [
      " q quit   arrows, PgUp, PgDn scroll   s sort: \(order.rawValue)   space pause   ? help",
      " q quit   s sort: \(order.rawValue)   space pause   ? help", " q quit   ? help",
    ]
    let text = texts.first { $0.count + place.count + 3 <= width } ?? ""
    let gap = max(1, width - text.count - place.count - 1)
    return PageLine(text + String(repeating: " ", count: gap) + place + " ", .inverse)
  }

  private var help: [PageLine] {
    let keys = [
      ("q", "quit; so does Ctrl-C"), ("Up Down, k j", "scroll by a line"),
      ("PgUp PgDn, b f", "scroll by a page"), ("Home End, g G", "to the start, to the end"),
      ("s", "sort the servers: by state, as configured, by sessions, by requests"),
      ("space", "pause: keep what is shown; again: go on"), ("Ctrl-L", "draw the screen again"),
      ("?", "this help; any key ends it"),
    ]
    let lines = keys.map { key, meaning in
      PageLine("  " + key + String(repeating: " ", count: 16 - key.count) + meaning)
    }
    let plots = "A column of a plot is \(WatchedStatus.step.text); it is drawn from 0 to the highest value shown."
    return [PageLine("Keys", .bold)] + lines + [
      PageLine(""), PageLine("Plots", .bold), PageLine("  " + plots), PageLine(""),
      PageLine("Nothing can be changed here: belvedere server, belvedere failover."),
    ]
  }
}

/// The columns and rows of a terminal.
package struct ScreenSize: Hashable, Sendable {
  /// More than any terminal has.
  private static let limit = 1000

  package let columns: Int
  package let rows: Int

  /// Numbers outside the limits become the nearest one: a terminal may say anything, 0 also.
  package init(columns: Int, rows: Int) {
    (self.columns, self.rows) = (max(1, min(columns, Self.limit)), max(1, min(rows, Self.limit)))
  }
}

/// The order of the servers.
enum ServerOrder: String, CaseIterable {
  case state, configured, sessions, requests

  var next: ServerOrder {
    let all = Self.allCases
    return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
  }
}
