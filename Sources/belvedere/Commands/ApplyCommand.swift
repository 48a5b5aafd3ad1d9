import ArgumentParser
import Glibc
import Linux

struct ApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Take over a configuration and its certificates on all nodes of the pair.",
    discussion: """
      Checks FILE and the certificates, keys, CA files and error pages that it names here and on every other node. Then \
      one node after the other takes them over, the Active last: the files are written, the service reloads, and must \
      have a server that is up in each service and answer a client at the node's own address. Any failure puts the old \
      files back on all nodes; the exit status is 1.

      FILE becomes the configuration. Of the files that it names, those below the configuration's folder are taken \
      from the same place below FILE's folder, if there is one, and else are those of this node. The old files stay as \
      NAME.before. Secrets of `pair` and `vrrp`, hooks, and files elsewhere are not sent.

      Without FILE, the configuration and the files of this node are applied as they are: after a renewal of \
      certificates, for example.

      The other nodes must receive: docs/apply.md says how to enable that.

      EXAMPLES
        belvedere apply new.yaml --dry-run
        belvedere apply new.yaml
        belvedere apply                       # certificates were renewed here
        belvedere apply new.yaml --here       # the other node is away
      """)

  @OptionGroup var file: ConfigurationFile
  @OptionGroup var control: ControlSocket
  @OptionGroup var key: ApplyKeyFile

  @Argument(
    help: ArgumentHelp("The new configuration; the one in use by default.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml"]))
  var new: String?

  @Flag(help: "Apply it to this node only.")
  var here = false

  @Flag(help: "Check it on all nodes, and change nothing.")
  var dryRun = false

  func run() throws {
    Signals.ignoreBrokenPipes()
    let failures: [String]
    do {
      // An interrupted change is put back.
      let signals = try SignalReader([SIGINT, SIGTERM, SIGHUP])
      var run = try ApplyRun(source, control, here ? nil : key, isTrial: dryRun)
      failures = run.perform(signals)
    } catch let exit as ExitCode {
      throw exit
    } catch { failures = ["\(error)"] }
    for line in failures { StandardStream.error.write(line + "\n") }
    if !failures.isEmpty { throw ExitCode.failure }
  }

  private var source: ApplySource { ApplySource(file: new ?? file.path, target: file.path) }
}
