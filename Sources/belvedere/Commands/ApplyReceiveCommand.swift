import ArgumentParser
import Linux
import Systemd

struct ApplyReceiveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply-receive",
    abstract: "Take over the configuration that `belvedere apply` sends from another node.",
    discussion: """
      For belvedere-apply.service, which systemd starts for a connection to /run/belvedere-apply.sock.
      """,
    shouldDisplay: false)

  @OptionGroup var file: ConfigurationFile
  @OptionGroup var control: ControlSocket
  @OptionGroup var key: ApplyKeyFile

  func run() throws {
    Signals.ignoreBrokenPipes()
    do {
      guard let passed = DescriptorStore.takePassed().first else {
        throw ApplyKeyFile.Fault("apply-receive is started by systemd, with a socket")
      }
      var receiver = try ApplyReceiver(
        Descriptor(owning: passed.number), configuration: file.path, control, key: try key.read())
      receiver.run()
    } catch {
      throw ExitCode.failure("\(error)")
    }
  }
}
