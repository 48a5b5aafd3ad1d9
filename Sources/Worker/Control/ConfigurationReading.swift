import Configuration
import Linux
import Logging
import ReferencedFiles
import Wire

extension ConfigurationText {
  /// Reads it as the supervisor did.
  func load() -> Configuration.Loaded {
    Configuration.load(
      bytes: Array(text.utf8), fileName: fileName, hostName: hostName, credentials: CurrentProcess.credentials)
  }
}

extension Configuration.Loaded {
  /// The configuration, or what is wrong with it.
  func accepted() throws(ConfigurationSnapshotError) -> Configuration {
    guard let configuration else { throw ConfigurationSnapshotError("the configuration has errors") }
    return configuration
  }

  /// What is wrong with the configuration and the files that it names, each with its place; the error itself when it
  /// is neither's fault.
  mutating func reason(of error: ConfigurationSnapshotError) -> String {
    checkFiles(at: Clock.wall(), supervisors: false)
    let errors = diagnostics.filter { $0.severity == .error }
    return errors.isEmpty ? error.reason : errors.map(\.line).joined(separator: "; ")
  }

  /// Says what is the matter with the files without being an error. The ends of certificates are watched for themselves.
  mutating func warnOfFiles(_ log: Logger) {
    let known = Set(diagnostics)
    checkFiles(at: Clock.wall(), supervisors: false, ends: false)
    for diagnostic in diagnostics where !known.contains(diagnostic) { log.warning("\(diagnostic.line)") }
  }
}
