import ArgumentParser
import Control
import Doctor
import Linux
import Wire

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Find what is wrong on this node and at its servers.",
    discussion: """
      Checks the configuration and its files as the service's user, the certificates, each server's certificate, names \
      and clock, the interface, the virtual address and who else advertises it, the firewall, ports, limits, leftovers \
      of HAProxy and keepalived, and the other node. Each line has a verdict and, if there is something to do, what. \
      docs/doctor.md explains them.

      Run it as root, before the first start and afterwards. It changes nothing. It makes a few connections to each \
      server, and listens to VRRP for some seconds.

      EXIT STATUS
        0   no problem found
        1   warnings
        2   faults
      """)

  /// The user of the packages' unit.
  static let standardUser = "belvedere"
  private static let timeout = Interval.seconds(5)

  @OptionGroup var file: ConfigurationFile
  @OptionGroup var control: ControlSocket

  @Option(help: ArgumentHelp("The service's user, who must be able to use the files.", valueName: "name"))
  var user = DoctorCommand.standardUser

  @Flag(help: "Print one line of JSON.")
  var json = false

  func run() throws {
    let gathering = FactGathering(path: file.path, text: file.contents, user: user, status: status)
    let examination = Examination(
      node: CurrentProcess.hostName(), version: Versions.belvedere, findings: Check.findings(gathering.facts()))
    if json {
      StandardStream.output.write(verbatim: JSONText.write(examination) + "\n")
    } else {
      StandardStream.output.write(ExaminationText(examination).text)
    }
    throw ExitCode(examination.exitStatus)
  }

  /// Nil when the service does not answer.
  private var status: StatusReport? { try? control.status(within: Self.timeout) }
}
