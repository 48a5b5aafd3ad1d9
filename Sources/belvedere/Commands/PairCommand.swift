import ArgumentParser
import Linux
import TLS

struct PairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pair",
    abstract: "Make or replace the secret that the nodes of a pair share.",
    discussion: """
      Every node has a copy of the same file, which `pair.secret` of the configuration names.

      EXAMPLES
        belvedere pair new-secret /etc/belvedere/tls/pair.key
        belvedere pair rotate-secret /etc/belvedere/tls/pair.key
      """,
    subcommands: [NewSecret.self, RotateSecret.self])

  struct NewSecret: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "new-secret", abstract: "Make a file with a new secret.",
      discussion: """
        The file is readable for its owner and for the group of its folder. Copy it to the other nodes over an \
        encrypted connection, for example with scp.
        """)

    @Argument(help: "The file, which must not exist.", completion: .file())
    var file: String

    func run() throws {
      guard File.identity(of: file) == nil else {
        throw ExitCode.failure("\(file) exists; `belvedere pair rotate-secret` replaces its secret")
      }
      try PairCommand.write(PairSecrets.makeText(), to: file, File.Permissions(forSecretAt: file))
    }
  }

  struct RotateSecret: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rotate-secret", abstract: "Replace the secret in a file.",
      discussion: """
        The new secret is used from the next reload on. The one in use before is still accepted, so that the nodes \
        can change one after another: copy the file to the other nodes, and reload the service of each. Owner and \
        permissions of the file stay as they are.
        """)

    @Argument(help: "The file.", completion: .file())
    var file: String

    func run() throws {
      let former: PairSecrets
      do throws(PairSecretsError) { former = try PairSecrets(contentsOf: file) } catch {
        throw ExitCode.failure("\(file): \(error)")
      }
      try PairCommand.write(PairSecrets.makeText(replacing: former), to: file, File.Permissions(of: file))
    }
  }

  private static func write(_ text: String, to file: String, _ permissions: File.Permissions?) throws {
    do throws(SystemError) {
      try File.replace(file, with: Array(text.utf8).span, permissions)
    } catch { throw ExitCode.failure("\(error)") }
  }
}
