import ArgumentParser
import Configuration
import Linux
import ReferencedFiles
import Supervisor
import Wire

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Validate a configuration and the files that it names.",
    discussion: """
      Prints all problems, each with file, line and column, the line itself and a remedy. The exit status is 1 if there \
      is an error. Without errors, prints a summary of the service.

      Certificates, keys and CA files are loaded as `run` loads them, so run it as the service's user. Nothing is \
      started and no server is contacted.

      EXAMPLES
        belvedere check
        belvedere check && systemctl reload belvedere
        belvedere check --configuration new.yaml
      """)

  @OptionGroup var file: ConfigurationFile

  func run() throws {
    var loaded = Configuration.load(
      bytes: try file.read(), fileName: file.path, hostName: CurrentProcess.hostName(),
      credentials: CurrentProcess.credentials)
    let certificates = loaded.checkFiles(at: Clock.wall(), control: ControlSocket.standardPath)
    let configuration = try loaded.accepted()
    for shortfall in configuration.shortfalls(on: .ofThisMachine) {
      StandardStream.error.write("warning: \(shortfall)\n")
    }
    let findings = InterfaceFindings.look(for: configuration)
    for warning in findings.warnings { StandardStream.error.write("warning: vrrp: \(warning)\n") }
    guard findings.errors.isEmpty else {
      for error in findings.errors { StandardStream.error.write("error: vrrp: \(error)\n") }
      throw ExitCode.failure
    }
    StandardStream.output.write(ServiceSummary(configuration, certificates: certificates, at: Clock.wall()).text)
  }
}
