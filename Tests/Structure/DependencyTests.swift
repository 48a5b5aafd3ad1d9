import Foundation
import Testing

/// Modules of the toolchain that every target except the pure ones may import; they are not dependencies of the
/// package.
private let system: Set = ["Glibc", "Synchronization", "FoundationEssentials"]

/// The imports allowed for each target. A target depends only on earlier ones. Package.swift and ARCHITECTURE.md
/// contain the same table.
private let allowed: [(target: String, imports: Set<String>)] = [
  // Pure: no system, no clock, no socket.
  ("Wire", []),
  ("Domain", ["Wire"]),
  ("HTTP1", ["Wire"]),
  ("Balancing", ["Domain", "Wire"]),
  ("Exchange", ["Domain", "HTTP1", "Balancing", "Wire"]),
  ("WorkerProtocol", ["Domain", "Wire"]),
  ("Control", ["Domain", "Wire", "FoundationEssentials"]),
  ("VRRP", ["Domain", "Wire"]),
  ("Pair", ["Domain", "Wire", "Balancing"]),
  ("Apply", ["Wire"]),
  ("Observe", ["Domain", "Wire", "HTTP1", "Control"]),
  ("Screen", ["Domain", "Wire", "Control"]),
  ("Import", ["Domain", "Wire", "HTTP1"]),
  ("Doctor", ["Domain", "Wire"]),
  // Each wraps one external interface.
  ("Linux", ["Wire", "CLinux", "Glibc", "Synchronization"]),
  ("TLS", ["Domain", "Wire", "Linux", "COpenSSL", "Glibc", "Synchronization"]),
  ("Systemd", ["Domain", "Wire", "Linux", "CSystemd", "Logging", "Glibc", "Synchronization"]),
  ("Configuration", ["Domain", "Wire", "Balancing", "HTTP1", "CYAML"]),
  // Above those, for programs that load a configuration.
  ("Certificates", ["Domain", "Wire", "HTTP1", "Configuration", "Linux", "TLS", "Logging", "Glibc"]),
  ("ReferencedFiles", ["Domain", "Wire", "Configuration", "Linux", "TLS", "Certificates", "Glibc"]),
  // The roles of the one binary. Neither imports the other: they exchange messages.
  (
    "Worker",
    [
      "Domain", "Wire", "HTTP1", "Balancing", "Exchange", "Pair", "Configuration", "WorkerProtocol", "Linux", "TLS",
      "Systemd", "Certificates", "ReferencedFiles", "Logging", "Synchronization",
    ]
  ),
  (
    "Supervisor",
    [
      "Wire", "Domain", "VRRP", "Pair", "Configuration", "WorkerProtocol", "Control", "Linux", "Systemd", "Logging",
      "Glibc",
    ]
  ),
  (
    "Observer",
    [
      "Domain", "Wire", "Configuration", "Control", "Observe", "Linux", "TLS", "Systemd", "Certificates", "Logging",
      "Glibc",
    ]
  ),
  ("Demo", ["Domain", "Wire", "HTTP1", "Linux", "TLS", "Glibc", "Synchronization"]),
  (
    "belvedere",
    [
      "Domain", "Wire", "HTTP1", "Control", "VRRP", "Apply", "Screen", "Import", "Doctor", "Configuration", "Linux",
      "TLS", "Systemd", "ReferencedFiles", "Worker", "Supervisor", "Observer", "Demo", "ArgumentParser", "Logging",
      "Glibc", "Synchronization",
    ]
  ),
]

@Suite struct `Dependencies between targets` {
  @Test func `every target has a row in the table, and depends on earlier ones only`() {
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

  @Test(arguments: allowed.map(\.target))
  func `a target imports all that its row allows`(target: String) {
    let row = allowed.first { $0.target == target }?.imports ?? []
    let imported = SourceTree.sources.filter { $0.target == target }.flatMap { $0.code.compactMap(Self.imported) }
    #expect(row.subtracting(imported).isEmpty)
  }

  @Test func `commands that only read a configuration, such as check, do not import the worker`() {
    let commands = SourceTree.sources.filter { $0.target == "belvedere" }
    let importers = commands.filter { $0.code.compactMap(Self.imported).contains("Worker") }
    #expect(importers.map(\.name) == ["Entrance"])
  }

  @Test func `Package.swift gives each target what its row allows`() throws {
    let given = try Self.packageDependencies()
    for (target, imports) in allowed {
      #expect(given[target] == imports.subtracting(system), "\(target)")
    }
  }

  @Test func `ARCHITECTURE.md has the same table`() throws {
    let told = try Self.documentedDependencies()
    #expect(Set(told.keys) == Set(allowed.map(\.target)))
    for (target, imports) in allowed {
      #expect(told[target] == imports.subtracting(system), "\(target)")
    }
  }

  /// The dependencies of the targets in Sources, from the manifest: declared by `module`, or as the executable.
  private static func packageDependencies() throws -> [String: Set<String>] {
    let products = ["logging": "Logging", "argumentParser": "ArgumentParser"]
    let manifest = try SourceTree.text(of: "Package.swift")
    var found: [String: Set<String>] = [:]
    for match in manifest.matches(of: /(?:\bmodule|\.executableTarget)\(\s*(?:name:\s*)?"(\w+)"([^\]]*?)(?:\]|\))/) {
      let words = match.2.split { !$0.isLetter && !$0.isNumber }.map(String.init).filter { $0 != "dependencies" }
      found[String(match.1)] = Set(words.map { products[$0] ?? $0 })
    }
    return found
  }

  /// The table in ARCHITECTURE.md with the columns Target and May use.
  private static func documentedDependencies() throws -> [String: Set<String>] {
    let products = ["swift-log": "Logging", "swift-argument-parser": "ArgumentParser", "–": ""]
    let lines = try SourceTree.text(of: "ARCHITECTURE.md").components(separatedBy: "\n")
    let rows = lines.map { $0.split(separator: "|").map { $0.trimmed.replacing("`", with: "") } }
    guard let head = rows.firstIndex(where: { Set($0).isSuperset(of: ["Target", "May use"]) }),
      let name = rows[head].firstIndex(of: "Target"), let uses = rows[head].firstIndex(of: "May use")
    else { return [:] }
    var found: [String: Set<String>] = [:]
    for row in rows[(head + 2)...].prefix(while: { $0.count == rows[head].count }) {
      let words = row[uses].split(separator: ",").map(\.trimmed).map { products[$0] ?? $0 }
      found[row[name]] = Set(words).subtracting([""])
    }
    return found
  }

  /// The module of an import line, with or without attributes.
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
