/// What the service's unit hides from it, for a command that is to see the same files.
package struct UnitSandbox: Sendable {
  /// The properties that decide which files there are and who may use them (systemd.exec(5)).
  private static let copied = [
    "ProtectHome", "ProtectSystem", "PrivateTmp", "PrivateDevices", "ProtectProc", "ProcSubset", "InaccessiblePaths",
    "ReadOnlyPaths", "ReadWritePaths", "NoExecPaths", "ExecPaths", "BindPaths", "BindReadOnlyPaths",
    "TemporaryFileSystem", "SupplementaryGroups",
  ]
  /// The folders of a unit, by property. A command gets no folders of its own: systemd would remove or change them.
  private static let folders = [("StateDirectory", "/var/lib/"), ("LogsDirectory", "/var/log/")]

  /// For `systemctl show --property`.
  package static let properties = (["LoadState"] + copied + folders.map(\.0)).joined(separator: ",")

  /// Options of systemd-run; nil if there is no such unit.
  package private(set) var options: [String]?

  /// `shown`: what `systemctl show` prints. `files`: what `systemctl cat` prints, which has the credentials: `show` of
  /// Debian 12 calls them unprintable.
  package init(_ shown: String, files: String = "") {
    var options: [String] = []
    var isLoaded = false
    for line in shown.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !parts[1].isEmpty else { continue }
      let (name, value) = (parts[0], parts[1])
      if name == "LoadState" { isLoaded = value == "loaded" }
      if Self.copied.contains(name) { options.append("--property=\(name)=\(value)") }
      for (folder, parent) in Self.folders where name == folder {
        let paths = value.split(separator: " ").map { "-\(parent)\($0.prefix { $0 != ":" })" }
        options.append("--property=ReadWritePaths=" + paths.joined(separator: " "))
      }
    }
    self.options = isLoaded ? options + Self.credentials(in: files) : nil
  }

  private static func credentials(in files: String) -> [String] {
    var found: [String] = []
    for line in files.split(separator: "\n") {
      for name in ["LoadCredential=", "LoadCredentialEncrypted="] where line.hasPrefix(name) {
        // An empty value takes back those before it.
        if line.count == name.count { found.removeAll { $0.hasPrefix("--property=" + name) } }
        if line.count > name.count { found.append("--property=" + line) }
      }
    }
    return found
  }
}
