import ArgumentParser
import Configuration
import Linux
import ReferencedFiles
import Supervisor
import Wire

/// The option that names the configuration file, and what it leads to.
struct ConfigurationFile: ParsableArguments {
  /// A configuration is some kilobytes; a log file given by mistake must not be read whole.
  private static let limit = 4 << 20

  @Option(
    name: [.customLong("configuration"), .customShort("c")],
    help: ArgumentHelp("The configuration file.", valueName: "path"), completion: .file(extensions: ["yaml", "yml"]))
  var path = "/etc/belvedere/belvedere.yaml"

  /// The file's bytes; says why they can't be had and ends with status 1.
  func read() throws -> [UInt8] {
    do {
      return try File.contents(of: path, limit: Self.limit, mayWait: true)
    } catch {
      let diagnostic = Diagnostic.unreadable(file: path, reason: SystemError.words(for: error.code))
      StandardStream.error.write(diagnostic.rendered + "\n")
      throw ExitCode.failure
    }
  }
}

extension ConfigurationFile {
  /// A plan of the file as it is now, for a reload of the service with this control socket.
  func plan(hostName: String, control: String) -> Result<ServicePlan, ReloadRefusal> {
    let text: [UInt8]
    do {
      text = try File.contents(of: path, limit: Self.limit)
    } catch {
      return .failure(
        ReloadRefusal([Diagnostic.unreadable(file: path, reason: SystemError.words(for: error.code))]))
    }
    var loaded = Configuration.load(
      bytes: text, fileName: path, hostName: hostName, credentials: CurrentProcess.credentials)
    loaded.checkFiles(at: Clock.wall(), control: control)
    guard let configuration = loaded.configuration else {
      return .failure(ReloadRefusal(loaded.diagnostics))
    }
    do throws(KeyFailure) {
      var plan = try ServicePlan(configuration, text: text, fileName: path, hostName: hostName)
      plan.warnings =
        loaded.diagnostics.map(\.rendered) + configuration.shortfalls(on: .ofThisService).map { "warning: \($0)" }
      return .success(plan)
    } catch {
      return .failure(ReloadRefusal([error.description]))
    }
  }
}

extension ReloadRefusal {
  /// The log gets the errors; an operator everything that is worth saying, as `check` prints it.
  init(_ diagnostics: [Diagnostic]) {
    self.init(
      diagnostics.filter { $0.severity == .error }.map(\.line), reasons: diagnostics.map(\.rendered))
  }
}

extension Configuration.Loaded {
  /// The configuration, after everything worth saying about it was said; ends with status 1 when it is refused.
  func accepted() throws -> Configuration {
    for diagnostic in diagnostics { StandardStream.error.write(diagnostic.rendered + "\n") }
    if let configuration { return configuration }
    let errors = diagnostics.count { $0.severity == .error }
    StandardStream.error.write("\(errors == 1 ? "1 error" : "\(errors) errors"): the configuration is refused\n")
    throw ExitCode.failure
  }
}
