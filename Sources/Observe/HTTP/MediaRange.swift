/// One element of an Accept field (RFC 9110 §12.5.1).
struct MediaRange {
  let type: String
  let parameters: [String: String]

  /// The format that the client prefers: OpenMetrics 1.0 where it is asked for by name and version with at least the
  /// weight of `text/plain`, as Prometheus does; text format 0.0.4 otherwise.
  static func format(accepting field: String) -> Exposition.Format {
    let ranges = field.split(separator: ",").prefix(32).map { MediaRange($0) }
    let openMetrics = ranges.filter {
      $0.type == "application/openmetrics-text" && ["1.0.0", nil].contains($0.parameters["version"])
    }
    // The most specific range applies (RFC 9110 §12.5.1).
    let plain =
      ["text/plain", "text/*", "*/*"].lazy.map { type in ranges.filter { $0.type == type } }
      .first { !$0.isEmpty } ?? []
    guard let best = openMetrics.map(\.weight).max(), best > 0 else { return .prometheus }
    return best >= plain.map(\.weight).max() ?? 0 ? .openMetrics : .prometheus
  }

  private init(_ text: Substring) {
    let parts = text.split(separator: ";", omittingEmptySubsequences: false).map { String($0).trimmed.lowercased() }
    type = parts[0]
    var parameters: [String: String] = [:]
    for part in parts.dropFirst() {
      let sides = part.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
      if sides.count == 2 { parameters[sides[0]] = Self.unquoted(sides[1]) }
    }
    self.parameters = parameters
  }

  private static func unquoted(_ value: String) -> String {
    value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"") ? String(value.dropFirst().dropLast()) : value
  }

  /// In thousandths (RFC 9110 §12.4.2); an invalid weight is 0.
  private var weight: Int {
    guard let text = parameters["q"] else { return 1000 }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts[0] == "0" || parts[0] == "1" else { return 0 }
    let digits = parts.count == 2 ? String(parts[1].prefix(3)) : ""
    guard digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return 0 }
    let fraction = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 0
    return min(1000, (parts[0] == "1" ? 1000 : 0) + fraction)
  }
}
