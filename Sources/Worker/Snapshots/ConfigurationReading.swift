import Configuration
import Linux
import Logging
import ReferencedFiles
import Wire

extension ConfigurationText {
  /// Parses it in the same way as the supervisor did.
  func load() -> Configuration.Loaded {
    Configuration.load(
      bytes: Array(text.utf8), fileName: fileName, hostName: hostName, credentials: CurrentProcess.credentials)
  }
}

extension Configuration.Loaded {
  /// The configuration; throws if it has errors.
  func accepted() throws(ConfigurationSnapshotError) -> Configuration {
    guard let configuration else { throw ConfigurationSnapshotError("the configuration has errors") }
    return configuration
  }

  /// The errors in the configuration and in the files that it references, each with its position; the reason of `error`
  /// if neither has any.
  mutating func reason(of error: ConfigurationSnapshotError) -> String {
    checkFiles(at: Clock.wall(), besides: FileReference.Purpose.ofOthers)
    let errors = diagnostics.filter { $0.severity == .error }
    return errors.isEmpty ? error.reason : errors.map(\.line).joined(separator: "; ")
  }

  /// Logs warnings about the files. The expiry of certificates is monitored separately.
  mutating func warnOfFiles(_ log: Logger) {
    let known = Set(diagnostics)
    checkFiles(at: Clock.wall(), besides: FileReference.Purpose.ofOthers, ends: false)
    for diagnostic in diagnostics where !known.contains(diagnostic) { log.warning("\(diagnostic.line)") }
  }
}
