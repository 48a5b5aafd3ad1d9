import Configuration

/// Properties of any file loaded as a configuration: the result is deterministic, its problems have places within
/// the file and printable texts, and there is a complete configuration or none.
package enum ConfigurationProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let loaded = Configuration.load(bytes: bytes, fileName: "b.yaml", hostName: "lb1")
    let again = Configuration.load(bytes: bytes, fileName: "b.yaml", hostName: "lb1")
    try require(loaded.configuration == again.configuration, "another configuration the second time")
    try require(loaded.diagnostics == again.diagnostics, "other problems the second time")

    let hasError = loaded.diagnostics.contains { $0.severity == .error }
    try require(hasError == (loaded.configuration == nil), "an error with a configuration, or neither")
    let places = loaded.diagnostics.map { [$0.place?.mark.line ?? 0, $0.place?.mark.column ?? 0] }
    let isSorted = zip(places, places.dropFirst()).allSatisfy { !$1.lexicographicallyPrecedes($0) }
    try require(isSorted, "problems out of the file's order")
    // YAML 1.1 also ends a line at NEL, LS and PS.
    let ends: Set<Unicode.Scalar> = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
    let lines = String(decoding: bytes, as: UTF8.self).unicodeScalars.count { ends.contains($0) } + 2
    for diagnostic in loaded.diagnostics {
      if let mark = diagnostic.place?.mark {
        try require(1...lines ~= mark.line, "line \(mark.line) of \(lines)")
        try require(1...(bytes.count + 1) ~= mark.column, "column \(mark.column)")
        try require(mark.length >= 0, "a length of \(mark.length)")
      }
      let controls = diagnostic.rendered.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" }
      try require(!controls, "control characters in \(diagnostic)")
    }
    if let configuration = loaded.configuration {
      try require(!configuration.services.isEmpty, "no service")
      for service in configuration.services {
        try require(!service.names.isEmpty, "no service name")
        try require(!service.servers.isEmpty, "no server")
        try require(!service.listeners.isEmpty, "no listener")
        try require(service.mode == .passthrough || !service.tls.certificates.isEmpty, "no certificate")
      }
    }
  }
}
