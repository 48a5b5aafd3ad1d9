import ArgumentParser
import Control
import Linux
import Screen
import Wire

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show the running service: servers, sessions, certificates, recent problems.",
    discussion: """
      Prints text in 80 columns, with colours on a terminal unless NO_COLOR is set. On a node of a pair, the other nodes \
      are shown beside this one. --json prints one line of JSON for programs; docs/control.md describes its members. \
      --watch shows the status on the whole screen, as top does; the key ? lists the others. Where that is not possible \
      (in a pipe, with TERM=dumb, --json or --node) it prints one status after another, each second.
      """)

  private static let timeout = Interval.seconds(5)
  private static let period = Interval.seconds(1)

  @OptionGroup var control: ControlSocket

  @Flag(help: "Print one line of JSON.")
  var json = false

  @Option(help: ArgumentHelp("Show this node of the pair alone.", valueName: "name"))
  var node: String?

  @Flag(help: "Show it on the whole screen, until q or Ctrl-C.")
  var watch = false

  @Flag(name: .customLong("no-color"), help: "Without colours, as with NO_COLOR.")
  var isPlain = false

  func run() throws {
    let report = try ask()
    guard watch else { return try show(report) }
    guard !json, node == nil, !isDumb, let terminal = Terminal() else { return try showEach(after: report) }
    let plots: PlotStyle = CurrentProcess.hasUnicode ? .blocks : .ascii
    do throws(SystemError) {
      var screen = try StatusScreen(report, on: terminal, from: control, isColoured: isColoured, plots: plots)
      screen.run()
    } catch {
      throw ExitCode.failure("\(error)")
    }
  }

  /// One status after another, with an empty line between those for people.
  private func showEach(after first: StatusReport) throws {
    try show(first)
    while !StandardStream.output.hasEnded(within: Self.period) {
      // The service may be restarting.
      do {
        let report = try ask()
        if !json { StandardStream.output.write(verbatim: "\n") }
        try show(report)
      } catch let status as ExitCode {
        guard status == ControlSocket.unavailable else { throw status }
      }
    }
  }

  private func ask() throws -> StatusReport {
    guard case .status(let report) = try control.ask(.status, timeout: Self.timeout) else {
      throw ExitCode.unexpectedAnswer()
    }
    return report
  }

  /// Whether the terminal has no cursor to move, nor colours.
  private var isDumb: Bool { CurrentProcess.environmentValue("TERM").map { $0.isEmpty || $0 == "dumb" } ?? true }

  private var isColoured: Bool {
    let isRefused = CurrentProcess.environmentValue("NO_COLOR").map { !$0.isEmpty } ?? false
    return StandardStream.output.isTerminal && !isRefused && !isPlain && !isDumb
  }

  private func show(_ report: StatusReport) throws {
    guard !json else { return StandardStream.output.write(verbatim: try jsonText(of: report) + "\n") }
    let page = StatusText(report, isColoured: isColoured)
    StandardStream.output.write(verbatim: try node.map { try found(page.text(of: $0), in: report) } ?? page.text)
  }

  private func jsonText(of report: StatusReport) throws -> String {
    try node.map { try found(report.json(of: $0), in: report) } ?? report.json
  }

  /// Fails with the names of the nodes where there is none of the name.
  private func found(_ text: String?, in report: StatusReport) throws -> String {
    if let text { return text }
    let names = report.pair?.nodes.map(\.name) ?? [report.node]
    throw ExitCode.failure("there is no node `\(node ?? "")`; there are: \(names.joined(separator: ", "))")
  }
}
