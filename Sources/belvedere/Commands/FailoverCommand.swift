import ArgumentParser
import Control
import Linux
import Wire

struct FailoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "failover",
    abstract: "Hand the virtual address over to the other node without an interruption.",
    discussion: """
      For maintenance of this node. When the command returns, the other node has the address. No new connection is \
      refused; open connections are reset, and their clients reconnect. This node takes over again only if the other \
      one fails.

      This ends with --back, after the time of --for, or with the next start of the service. --back returns when this \
      node has the address, or another one keeps it.

      The exit status is 1 if no other node took over; this node then keeps the address.

      EXAMPLES
        belvedere failover && systemctl reboot
        belvedere failover --for 2h
        belvedere failover --back
      """)

  private static let timeout = Interval.seconds(10)

  @OptionGroup var control: ControlSocket

  @Flag(help: "Take part in the election again: the node with the higher priority gets the address.")
  var back = false

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("How long this node stays withdrawn at most: a number and one of m, h, d.", valueName: "time"))
  var duration = "1d"

  func validate() throws { _ = try seconds() }

  func run() throws {
    let request = back ? ControlRequest.failback : .failover(seconds: try seconds())
    guard case .handedOver(let handovers) = try control.ask(request, timeout: Self.timeout) else {
      throw ExitCode.unexpectedAnswer()
    }
    for handover in handovers { StandardStream.output.write(handover.line + "\n") }
    if handovers.contains(where: { $0.outcome == .kept }) { throw ExitCode.failure }
  }

  private func seconds() throws -> UInt64 {
    let units: [Character: UInt64] = ["m": 60, "h": 3600, "d": 86_400]
    guard let unit = duration.last.flatMap({ units[$0] }), let count = UInt64(duration.dropLast()),
      1...ControlRequest.failoverLimit ~= count, 1...ControlRequest.failoverLimit ~= count * unit
    else { throw ValidationError("`\(duration)` is not a valid time; expected 1m to 365d") }
    return count * unit
  }
}
