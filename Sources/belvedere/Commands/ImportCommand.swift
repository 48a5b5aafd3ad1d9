import ArgumentParser
import Configuration
import Import
import Linux

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Turn haproxy.cfg and keepalived.conf into a configuration.",
    discussion: """
      Writes a configuration with comments to standard output, or to a file, and a report to standard error: what became \
      of every word of the old files. Each is taken over, the default anyway, not needed for a reason, or not possible, \
      with what to do instead. Nothing else is changed, and no server is contacted.

      Certificates stay where they are, and are named by their paths; with --certificates they are copied to a folder \
      whose group reads them. Variables of the environment count as for HAProxy. With --other-node, for each node of the \
      pair but this one, the configuration is the same on all of them.

      EXAMPLES
        belvedere import /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf --output belvedere.yaml
        belvedere import haproxy.cfg keepalived.conf --other-node lb2=keepalived-lb2.conf
        belvedere check --configuration belvedere.yaml

      EXIT STATUS
        0   everything has its place
        1   nothing was written: a file is unreadable, has no service, or the output exists
        2   written, but what the report calls not possible, or the configuration CHANGE, needs a person
        64  usage error
      """)

  /// The file was written and needs a person.
  private static let unfinished = ExitCode(2)
  /// A file of a site has some hundred lines; a log file given by mistake must not be read whole.
  private static let limit = 1 << 20

  @Argument(help: "HAProxy's configuration; `-` is standard input.", completion: .file(extensions: ["cfg"]))
  var haproxy: String

  @Argument(help: "keepalived's configuration.", completion: .file(extensions: ["conf"]))
  var keepalived: String?

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Write the configuration to this file.", valueName: "path"),
    completion: .file(extensions: ["yaml", "yml"]))
  var output: String?

  @Option(
    help: ArgumentHelp("Copy the certificates to this folder, for its group.", valueName: "folder"),
    completion: .directory)
  var certificates: String?

  @Flag(help: "Replace the output, and certificates that are different, if they exist.")
  var overwrite = false

  @Option(
    help: ArgumentHelp("The host name of another node, and its keepalived.conf.", valueName: "name=path"),
    completion: .file(extensions: ["conf"]))
  var otherNode: [String] = []

  @Option(help: ArgumentHelp("The host name that clients use, if the files do not say it.", valueName: "name"))
  var service: String?

  func validate() throws {
    if let service, !ImportOptions.isHostName(service) {
      throw ValidationError("--service: \(service) is no host name")
    }
    if !otherNode.isEmpty, keepalived == nil {
      throw ValidationError("--other-node: this node's keepalived.conf is missing")
    }
    var names: Set = [CurrentProcess.hostName().firstLabel]
    for node in otherNode {
      guard let (name, path) = Self.parts(of: node), !path.isEmpty, ImportOptions.isHostName(name), !name.contains(".")
      else { throw ValidationError("--other-node: \(node) is not NAME=FILE, with a host name without its domain") }
      guard names.insert(name).inserted else {
        throw ValidationError("--other-node: \(name) is this node, or given twice")
      }
    }
  }

  func run() throws {
    if let output, !overwrite, File.identity(of: output) != nil {
      throw ExitCode.failure("\(output) exists; --overwrite replaces it")
    }
    let others = try otherNode.compactMap(Self.parts).map { NodeFile(node: $0.name, file: try Self.read($0.path)) }
    let outcome = Importer.run(
      haproxy: try Self.read(haproxy), keepalived: try keepalived.map(Self.read), others: others,
      ImportOptions(
        environment: try Self.environment(), service: service, hostName: CurrentProcess.hostName(),
        certificates: certificates, files: Self.files, folder: Self.names))
    for finding in outcome.findings where !finding.isBracket { StandardStream.error.write(finding.text + "\n") }
    for note in outcome.notes { StandardStream.error.write("other than HAProxy: \(note)\n") }
    for remark in outcome.remarks { StandardStream.error.write("to be filled in: \(remark)\n") }
    guard let text = outcome.text else { throw ExitCode.failure("\(haproxy) has no service that could be written") }
    try copy(outcome.copies)
    let loaded = Configuration.load(
      bytes: Array(text.utf8), fileName: output ?? "belvedere.yaml", hostName: CurrentProcess.hostName())
    for diagnostic in loaded.diagnostics { StandardStream.error.write(diagnostic.rendered + "\n") }
    if let output {
      do throws(SystemError) {
        let permissions = File.Permissions(of: output) ?? File.Permissions(forSecretAt: output)
        try File.replace(output, with: Array(text.utf8).span, permissions)
      } catch {
        throw ExitCode.failure("\(error)")
      }
    } else {
      StandardStream.output.write(verbatim: text)
    }
    if outcome.needsPerson || loaded.configuration == nil { throw Self.unfinished }
  }

  /// Copies all files, or none if one can't be read or would replace another one.
  private func copy(_ copies: [RelocatedFiles.Copy]) throws {
    let pending = try copies.compactMap { copy -> (RelocatedFiles.Copy, [UInt8])? in
      let bytes = try Self.read(copy.source).bytes
      guard File.identity(of: copy.destination) != nil else { return (copy, bytes) }
      if (try? File.contents(of: copy.destination, limit: Self.limit)) == bytes { return nil }
      guard overwrite else {
        throw ExitCode.failure("\(copy.destination) exists and differs from \(copy.source); --overwrite replaces it")
      }
      return (copy, bytes)
    }
    for (copy, bytes) in pending {
      do throws(SystemError) {
        try File.replace(copy.destination, with: bytes.span, File.Permissions(forSecretAt: copy.destination))
      } catch {
        throw ExitCode.failure("\(error)")
      }
      StandardStream.error.write("copied: \(copy.source) to \(copy.destination)\n")
    }
  }

  /// NAME=FILE.
  private static func parts(of node: String) -> (name: String, path: String)? {
    guard let separator = node.firstIndex(of: "=") else { return nil }
    return (String(node[..<separator]), String(node[node.index(after: separator)...]))
  }

  /// `-`: standard input, which may take its time. A pipe or a device by its name could have no end.
  private static func read(_ path: String) throws -> SourceFile {
    let isInput = path == "-"
    guard isInput || File.identity(of: path) == nil || File.isRegular(path) else {
      throw ExitCode.failure("\(path) is no regular file; `-` reads standard input")
    }
    do throws(SystemError) {
      let bytes = try File.contents(of: isInput ? "/dev/stdin" : path, limit: limit, mayWait: isInput)
      return SourceFile(path: path, bytes: bytes)
    } catch { throw ExitCode.failure("\(path): \(SystemError.words(for: error.code))") }
  }

  /// The files that an `include` names; those that are unreadable are missing.
  @Sendable private static func files(matching pattern: String) -> [SourceFile] {
    File.paths(matching: pattern).compactMap { path in
      guard File.isRegular(path), let bytes = try? File.contents(of: path, limit: limit) else { return nil }
      return SourceFile(path: path, bytes: bytes)
    }
  }

  /// The names in a folder; nil if it is none.
  @Sendable private static func names(in path: String) -> [String]? {
    let names = File.names(in: path)
    return names.isEmpty && !path.hasSuffix("/") ? nil : names
  }

  private static func environment() throws -> [String: String] {
    let bytes = try File.contents(of: "/proc/self/environ", limit: limit)
    let pairs = bytes.split(separator: 0).map { $0.split(separator: UInt8(ascii: "="), maxSplits: 1) }
    return Dictionary(
      pairs.filter { !$0.isEmpty }.map {
        (String(decoding: $0[0], as: UTF8.self), $0.count > 1 ? String(decoding: $0[1], as: UTF8.self) : "")
      }
    ) { first, _ in first }
  }
}

extension String {
  /// Of a host name.
  fileprivate var firstLabel: String { String(prefix { $0 != "." }) }
}
