import Foundation
import Testing

/// What each target may import. Dependencies point down only; ARCHITECTURE.md says why.
private let allowed: [(target: String, imports: Set<String>)] = [
  // Pure: no system, no clock, no socket.
  ("Wire", []),
  ("HTTP1", ["Wire"]),
  ("Balancing", ["Wire"]),
  ("Exchange", ["HTTP1", "Balancing", "Wire"]),
  ("Roles", ["Wire"]),
  ("Control", []),
  ("VRRP", ["Wire"]),
  // Edges: each owns one neighbour.
  ("Linux", ["Wire", "CLinux", "Glibc", "Synchronization"]),
  ("TLS", ["Wire", "Linux", "COpenSSL", "Glibc", "Synchronization"]),
  ("Systemd", ["Wire", "Linux", "CSystemd", "Logging", "Glibc", "Synchronization"]),
  ("Configuration", ["Wire", "Balancing", "HTTP1", "CYAML"]),
  // The roles of the one binary. Neither imports the other: they meet in messages.
  (
    "Worker",
    [
      "Wire", "HTTP1", "Balancing", "Exchange", "Configuration", "Roles", "Linux", "TLS", "Systemd", "Logging", "Glibc",
      "Synchronization",
    ]
  ),
  (
    "Supervisor",
    ["Wire", "VRRP", "Configuration", "Roles", "Control", "Linux", "Systemd", "Logging", "Glibc", "Synchronization"]
  ),
  ("Demo", ["Wire", "HTTP1", "Linux", "TLS", "Glibc", "Synchronization"]),
  (
    "belvedere",
    [
      "Wire", "Control", "Configuration", "Linux", "TLS", "Systemd", "Worker", "Supervisor", "Demo", "ArgumentParser",
      "Logging", "Glibc",
    ]
  ),
]

@Suite struct `Dependencies between targets` {
  @Test func `every target has its row in the table, in an order that only looks back`() {
    let targets = Set(SourceTree.sources.map(\.target))
    #expect(targets == Set(allowed.map(\.target)))
    for (index, row) in allowed.enumerated() {
      let later = Set(allowed[index...].map(\.target))
      #expect(row.imports.isDisjoint(with: later), "\(row.target) looks forward")
    }
  }

  @Test(arguments: allowed.map(\.target))
  func `a target imports what its row allows and nothing else`(target: String) {
    let row = allowed.first { $0.target == target }?.imports ?? []
    for file in SourceTree.sources where file.target == target {
      for line in file.code {
        guard let module = Self.imported(by: line) else { continue }
        #expect(row.contains(module), "\(file.path) imports \(module)")
      }
    }
  }

  /// The module of an import line, whatever stands around its name.
  private static func imported(by line: String) -> String? {
    let words = line.split(separator: " ").map(String.init)
    guard let position = words.firstIndex(of: "import"), words[..<position].allSatisfy(isModifier) else { return nil }
    let kinds: Set = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
    let rest = words[(position + 1)...].drop { kinds.contains($0) }
    return rest.first?.split(separator: ".").first.map(String.init)
  }

  private static func isModifier(_ word: String) -> Bool {
    word.hasPrefix("@") || ["public", "package", "internal", "private"].contains(word)
  }
}
