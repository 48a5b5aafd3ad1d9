import ArgumentParser
import Control
import Linux
import Wire

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show the running service: servers, sessions, certificates, recent problems.",
    discussion: """
      Prints text in 80 columns, with colours on a terminal unless NO_COLOR is set. On a node of a pair, the other nodes \
      are shown beside this one. --json prints one line of JSON for programs; docs/control.md describes its members.
      """)

  private static let timeout = Interval.seconds(5)
  private static let period = Interval.seconds(1)

  @OptionGroup var control: ControlSocket

  @Flag(help: "Print one line of JSON.")
  var json = false

  @Option(help: ArgumentHelp("Show this node of the pair alone.", valueName: "name"))
  var node: String?

  @Flag(help: "Repeat every second until Ctrl-C.")
  var watch = false

  func run() throws {
    guard watch else { return try show(try ask(), from: "") }
    repeat {
      // The service may be restarting.
      do { try show(try ask(), from: isTerminal ? Self.top : "") } catch let status as ExitCode {
        guard status == ControlSocket.unavailable else { throw status }
      }
    } while !StandardStream.output.hasEnded(within: Self.period)
  }

  private func ask() throws -> StatusReport {
    guard case .status(let report) = try control.ask(.status, timeout: Self.timeout) else {
      StandardStream.error.write("belvedere: unexpected answer from the service\n")
      throw ControlSocket.unavailable
    }
    return report
  }

  private var isTerminal: Bool { StandardStream.output.isTerminal }

  private func show(_ report: StatusReport, from start: String) throws {
    guard !json else { return StandardStream.output.write(verbatim: try jsonText(of: report) + "\n") }
    let wantsColours = CurrentProcess.environmentValue("NO_COLOR").map(\.isEmpty) ?? true
    let page = StatusText(report, isColoured: isTerminal && wantsColours)
    let text = try node.map { try found(page.text(of: $0), in: report) } ?? page.text
    StandardStream.output.write(verbatim: start + text)
  }

  private func jsonText(of report: StatusReport) throws -> String {
    try node.map { try found(report.json(of: $0), in: report) } ?? report.json
  }

  /// Fails with the names of the nodes where there is none of the name.
  private func found(_ text: String?, in report: StatusReport) throws -> String {
    if let text { return text }
    let names = report.pair?.nodes.map(\.name) ?? [report.node]
    StandardStream.error.write(
      "belvedere: there is no node `\(node ?? "")`; there are: \(names.joined(separator: ", "))\n")
    throw ExitCode.failure
  }

  /// Clears the screen and moves the cursor to its top left corner.
  private static let top = "\u{1b}[H\u{1b}[2J"
}
