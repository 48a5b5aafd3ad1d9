import ArgumentParser
import Linux
import Supervisor

struct ReleaseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Give up the virtual address on behalf of a service that died.",
    discussion: """
      For ExecStopPost= of the unit, which runs it after every end of the service. Removes the virtual addresses that a \
      crashed service has left, and sends an advertisement with which the other node takes over at once. After an \
      orderly stop there is nothing to do. Without this command the addresses are removed when their lease ends, about \
      three seconds later.

      While the service runs it does nothing, and the exit status is 1; use `belvedere failover` then.

      FILES
        /run/belvedere/leases  addresses of the service, beside its control socket
      """)

  @OptionGroup var control: ControlSocket

  func run() throws {
    do throws(Release.Refusal) {
      for line in try Release.run(control: control.path) {
        StandardStream.error.write("release: \(line)\n")
      }
    } catch {
      throw ExitCode.failure("\(error)")
    }
  }
}
