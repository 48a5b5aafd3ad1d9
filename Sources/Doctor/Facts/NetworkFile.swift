/// A file of systemd-networkd for an interface, with its drop-ins (systemd.network(5)).
package struct NetworkFile: Sendable {
  /// Whether addresses of other programs stay on the interface: only `yes` keeps those with a lifetime.
  package private(set) var keepsAddresses = false

  /// In the order in which networkd reads them: a later value counts.
  package init(_ texts: [String]) {
    for text in texts {
      var isNetwork = false
      for line in text.split(separator: "\n") {
        let line = line.filter { $0 != " " && $0 != "\t" && $0 != "\r" }
        if line.hasPrefix("[") { isNetwork = line == "[Network]" }
        guard isNetwork, line.hasPrefix("KeepConfiguration=") else { continue }
        keepsAddresses = ["yes", "true", "on", "1", "y", "t"].contains(line.dropFirst(18).lowercased())
      }
    }
  }

  /// The path in the state file of an interface, `/run/systemd/netif/links/INDEX`.
  package static func path(inState text: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix("NETWORK_FILE=/") }.map { String($0.dropFirst(13)) }
  }
}
