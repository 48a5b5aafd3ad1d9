import Control
import Glibc
import Linux
import Screen
import Wire

/// `belvedere status --watch` on a terminal: moves reports, keys, signals and sizes to the `Screen`, and its lines to
/// the terminal.
struct StatusScreen: ~Copyable {
  private enum Token: UInt64 {
    case signals, keys, answer
  }

  private static let period = Interval.seconds(1)
  /// The service is asked again when it has not answered for so long.
  private static let timeout = Interval.seconds(5)
  private static let ends = [SIGINT, SIGTERM, SIGHUP]

  private let control: ControlSocket
  private let isColoured: Bool
  private let plots: PlotStyle
  private let terminal: Terminal
  private let signals: SignalReader
  private let poller: Poller
  /// Read only if it is a terminal.
  private let keyboard: Descriptor
  private var decoder = KeyDecoder()
  private var query: StatusQuery?
  /// When the service is asked next.
  private var next = Instant(nanoseconds: 0)
  private var screen = Screen()
  private var isEnded = false

  /// With a first report.
  init(
    _ report: StatusReport, on terminal: consuming Terminal, from control: ControlSocket, isColoured: Bool,
    plots: PlotStyle
  ) throws(SystemError) {
    let keyboard = try StandardInput.open()
    let signals = try SignalReader(Self.ends + [SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT])
    let poller = try Poller()
    try poller.watchLevel(signals.descriptor, token: Token.signals.rawValue)
    if StandardInput.isTerminal { try poller.watchLevel(keyboard, token: Token.keys.rawValue) }
    (self.control, self.isColoured, self.plots) = (control, isColoured, plots)
    self.terminal = terminal
    self.keyboard = keyboard
    self.signals = signals
    self.poller = poller
    let now = Clock.monotonic()
    screen.update(report, at: now)
    next = now + Self.period
  }

  /// Until a key or a signal ends it, or the terminal is gone.
  mutating func run() {
    begin()
    while !isEnded {
      draw()
      wait()
    }
    end()
  }

  private func begin() {
    terminal.begin()
    StandardStream.output.write(verbatim: ScreenFrame.begin)
  }

  private func end() {
    StandardStream.output.write(verbatim: ScreenFrame.end)
    terminal.end()
  }

  private mutating func draw() {
    let (columns, rows) = terminal.size
    // A terminal that does not know its size is taken for one of 80 by 24.
    let size = ScreenSize(columns: columns == 0 ? 80 : columns, rows: rows == 0 ? 24 : rows)
    let lines = screen.lines(size, plots: plots, at: Clock.monotonic())
    StandardStream.output.write(verbatim: ScreenFrame.text(lines, isColoured: isColoured))
  }

  private mutating func wait() {
    let now = Clock.monotonic()
    if now >= next { ask(at: now) }
    let count = poller.wait(milliseconds: Int32(clamping: (next - Clock.monotonic()).milliseconds + 1))
    for index in 0..<count {
      switch Token(rawValue: poller.event(at: index).token) {
      case .signals: while let signal = signals.next() { handle(signal) }
      case .keys: readKeys()
      case .answer: readAnswer()
      case nil: break
      }
    }
    if StandardStream.output.hasEnded(within: .zero) { isEnded = true }
  }

  /// Asks the service, instead of an earlier time that it has not answered.
  private mutating func ask(at now: Instant) {
    if query != nil { screen.fail("the service at \(control.path) does not answer") }
    do throws(ControlSocket.Fault) {
      let asked = try StatusQuery(to: control)
      do throws(SystemError) { try poller.watchLevel(asked.socket, token: Token.answer.rawValue) } catch {
        throw ControlSocket.Fault("\(error)")
      }
      query = consume asked
      next = now + Self.timeout
    } catch {
      query = nil
      screen.fail(error.description)
      next = now + Self.period
    }
  }

  private mutating func readAnswer() {
    let now = Clock.monotonic()
    do throws(ControlSocket.Fault) {
      guard let report = try query?.advance() else { return }
      screen.update(report, at: now)
    } catch {
      screen.fail(error.description)
    }
    query = nil
    next = now + Self.period
  }

  private mutating func readKeys() {
    let bytes = [UInt8](capacity: 256) { output in
      if case .bytes = StandardInput.read(keyboard, into: &output) { return }
      isEnded = true
    }
    for byte in bytes {
      guard let key = decoder.decode(byte) else { continue }
      if screen.handle(key) == .quit { isEnded = true }
    }
  }

  /// The default effect of a signal, with the terminal as it was before.
  private mutating func handle(_ signal: Int32) {
    switch signal {
    case SIGWINCH: break
    // Its default effect is a dump for the developer.
    case SIGQUIT: isEnded = true
    case SIGCONT: terminal.begin()
    default:
      end()
      signals.deliver(signal)
      // It was continued, or started with the signal ignored.
      begin()
    }
  }
}
