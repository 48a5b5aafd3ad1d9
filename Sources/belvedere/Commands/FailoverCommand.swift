import ArgumentParser
import Control
import Linux
import Wire

struct FailoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "failover",
    abstract: "Hand the virtual address over to the other node, without an outage, and stay away.",
    discussion: """
      For maintenance of this node. The other node has the address when the command ends, and no new connection was \
      refused. Those that were open end with the move, and their clients connect again. This node takes over again only \
      if the other one fails.

      It comes back with --back, after the time of --for, or with the next start of the service.

      Ends with status 1 when nobody took over: then this node keeps the address.

      EXAMPLES
        belvedere failover && systemctl reboot
        belvedere failover --for 2h
        belvedere failover --back
      """)

  private static let patience = Interval.seconds(10)

  @OptionGroup var control: ControlSocket

  @Flag(help: "Take part as usual again: the node with the higher priority gets the address back.")
  var back = false

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("How long to stay away at most: a number and one of m, h, d.", valueName: "time"))
  var duration = "1d"

  func validate() throws { _ = try seconds() }

  func run() throws {
    let request = back ? ControlRequest.failback : .failover(seconds: try seconds())
    guard case .handedOver(let handovers) = try control.ask(request, patience: Self.patience) else {
      StandardStream.error.write("belvedere: the service answered something else\n")
      throw ControlSocket.unavailable
    }
    for handover in handovers { StandardStream.output.write(handover.line + "\n") }
    if handovers.contains(where: { $0.outcome == .kept }) { throw ExitCode.failure }
  }

  private func seconds() throws -> UInt64 {
    let units: [Character: UInt64] = ["m": 60, "h": 3600, "d": 86_400]
    guard let unit = duration.last.flatMap({ units[$0] }), let count = UInt64(duration.dropLast()),
      1...ControlRequest.failoverLimit ~= count, 1...ControlRequest.failoverLimit ~= count * unit
    else { throw ValidationError("`\(duration)` is no time to stay away: 1m to 365d") }
    return count * unit
  }
}
