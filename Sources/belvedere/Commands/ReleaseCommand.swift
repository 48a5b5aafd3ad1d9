import ArgumentParser
import Linux
import Supervisor

struct ReleaseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Give up the virtual address on behalf of a service that died.",
    discussion: """
      For ExecStopPost= of the unit, which runs it whenever the service has ended, however that was. Takes the virtual \
      addresses off that a service which died has left, and tells the other node, which takes over at once. After an \
      orderly stop there is nothing to do. Without it the addresses go too, when their lease ends: about three seconds \
      later.

      While the service runs it does nothing and ends with status 1; `belvedere failover` hands over then.

      FILES
        /run/belvedere/leases  what the service holds, beside its control socket
      """)

  @OptionGroup var control: ControlSocket

  func run() throws {
    do throws(Release.Refusal) {
      for line in try Release.run(control: control.path) {
        StandardStream.error.write("release: \(line)\n")
      }
    } catch {
      StandardStream.error.write("belvedere: \(error)\n")
      throw ExitCode.failure
    }
  }
}
