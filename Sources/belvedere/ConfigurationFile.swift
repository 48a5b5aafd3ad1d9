import ArgumentParser
import Configuration
import Linux
import ReferencedFiles
import Supervisor
import Wire

/// The option for the configuration file, and reading it.
struct ConfigurationFile: ParsableArguments {
  /// A configuration has some kilobytes; a log file given by mistake must not be read whole.
  private static let limit = 4 << 20

  @Option(
    name: [.customLong("configuration"), .customShort("c")],
    help: ArgumentHelp("The configuration file.", valueName: "path"), completion: .file(extensions: ["yaml", "yml"]))
  var path = "/etc/belvedere/belvedere.yaml"

  /// The file's bytes, or why it is unreadable.
  var contents: Result<[UInt8], Diagnostic> {
    do {
      return .success(try File.contents(of: path, limit: Self.limit, mayWait: true))
    } catch {
      return .failure(Diagnostic.unreadable(file: path, reason: SystemError.words(for: error.code)))
    }
  }

  /// The file's bytes; if it is unreadable, prints the reason and exits with status 1.
  func read() throws -> [UInt8] {
    switch contents {
    case .success(let bytes): return bytes
    case .failure(let diagnostic):
      StandardStream.error.write(diagnostic.rendered + "\n")
      throw ExitCode.failure
    }
  }
}

extension ConfigurationFile {
  /// Loads the current file for a reload of the service with this control socket.
  func plan(hostName: String, control: String) throws(ReloadRefusal) -> ServicePlan {
    let text: [UInt8]
    do {
      text = try File.contents(of: path, limit: Self.limit)
    } catch {
      throw ReloadRefusal([Diagnostic.unreadable(file: path, reason: SystemError.words(for: error.code))])
    }
    var loaded = Configuration.load(
      bytes: text, fileName: path, hostName: hostName, credentials: CurrentProcess.credentials)
    loaded.checkFiles(at: Clock.wall(), control: control)
    guard let configuration = loaded.configuration else { throw ReloadRefusal(loaded.diagnostics) }
    do throws(KeyFailure) {
      var plan = try ServicePlan(configuration, text: text, fileName: path, hostName: hostName)
      plan.warnings =
        loaded.diagnostics.map(\.rendered) + configuration.shortfalls(on: .ofThisService).map { "warning: \($0)" }
      return plan
    } catch {
      throw ReloadRefusal([error.description])
    }
  }
}

extension ReloadRefusal {
  /// The log gets the errors; the operator gets all diagnostics, as printed by `check`.
  init(_ diagnostics: [Diagnostic]) {
    self.init(
      diagnostics.filter { $0.severity == .error }.map(\.line), reasons: diagnostics.map(\.rendered))
  }
}

extension Configuration.Loaded {
  /// Prints all diagnostics and returns the configuration; exits with status 1 when it is refused.
  func accepted() throws -> Configuration {
    for diagnostic in diagnostics { StandardStream.error.write(diagnostic.rendered + "\n") }
    if let configuration { return configuration }
    let errors = diagnostics.count { $0.severity == .error }
    StandardStream.error.write("\(errors == 1 ? "1 error" : "\(errors) errors"): the configuration is refused\n")
    throw ExitCode.failure
  }
}
