/// What the service's unit hides from it, for a command that is to see the same files.
package struct UnitSandbox: Sendable {
  /// The properties that decide which files there are and who may use them (systemd.exec(5)).
  private static let copied = [
    "ProtectHome", "ProtectSystem", "PrivateTmp", "PrivateDevices", "ProtectProc", "ProcSubset", "InaccessiblePaths",
    "ReadOnlyPaths", "ReadWritePaths", "NoExecPaths", "ExecPaths", "BindPaths", "BindReadOnlyPaths",
    "TemporaryFileSystem", "SupplementaryGroups", "LoadCredential", "LoadCredentialEncrypted",
  ]
  /// The folders of a unit, by property. A command gets no folders of its own: systemd would remove or change them.
  private static let folders = [("StateDirectory", "/var/lib/"), ("LogsDirectory", "/var/log/")]

  /// For `systemctl show --property`.
  package static let properties = (["LoadState"] + copied + folders.map(\.0)).joined(separator: ",")

  /// Options of systemd-run; nil if there is no such unit.
  package private(set) var options: [String]?

  /// `shown`: what `systemctl show` prints.
  package init(_ shown: String) {
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
    self.options = isLoaded ? options : nil
  }
}
