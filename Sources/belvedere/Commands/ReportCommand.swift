import ArgumentParser
import Control
import Doctor
import Linux
import Wire

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Collect what a bug report needs, without secrets, in one archive.",
    discussion: """
      Writes an archive with versions, the configuration with secrets removed, the findings of `doctor`, the status, the \
      log without the access log, and facts of the kernel. Its name is printed. Only its owner may read it.

      No private key, no password and no secret of a pair is in it. Names and addresses of your network are: read it \
      before you send it. Run it as root; in a pair, on each node.
      """)

  private static let timeout = Interval.seconds(5)

  @OptionGroup var file: ConfigurationFile
  @OptionGroup var control: ControlSocket

  @Option(help: ArgumentHelp("The folder to write it to.", valueName: "path"), completion: .directory)
  var folder = "."

  func run() throws {
    let text = file.contents
    let status = try? control.status(within: Self.timeout)
    let gathering = FactGathering(path: file.path, text: text, user: DoctorCommand.standardUser, status: status)
    let node = CurrentProcess.hostName()
    let examination = Examination(
      node: node, version: Versions.belvedere, findings: Check.findings(gathering.facts()))
    let report = ReportFiles(text, of: file.path, status, examination)

    let now = Clock.wall()
    let name = "belvedere-report-\(Self.safe(node))-\(Self.safe("\(now)".prefix(19)))"
    var archive = TarArchive(time: now)
    for file in report.files { archive.add("\(name)/\(file.name)", Array(file.text.utf8)) }
    try write(archive.bytes, to: "\(folder)/\(name).tar")
  }

  /// Prints the name of the file, which is compressed if there is gzip.
  private func write(_ bytes: [UInt8], to path: String) throws {
    do throws(SystemError) { try File.replace(path, with: bytes.span) } catch {
      throw ExitCode.failure("\(error)")
    }
    let gzip = ["/usr/bin/gzip", "/bin/gzip"].first { File.identity(of: $0) != nil }
    let run = gzip.flatMap { try? CapturedProgram($0, ["-n", path], timeout: Interval.seconds(30)) }
    StandardStream.output.write(run?.end == .exited(status: 0) ? "\(path).gz\n" : "\(path)\n")
  }

  /// For a file's name.
  private static func safe(_ text: some StringProtocol) -> String {
    String(
      text.unicodeScalars.prefix(40).map {
        $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil) ? Character($0) : "-"
      })
  }
}
