/// A request's head, copied from the received bytes: an example server is simple, not fast.
package struct ExampleRequest: Equatable, Sendable {
  /// A field line, with its value trimmed of white space.
  package struct Field: Equatable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package let method: String
  /// The path without the query.
  package let path: String
  /// The part after the `?`; empty when there is none.
  package let query: String
  /// In the order received.
  package let fields: [Field]
  /// Everything from the request line to the empty line, unchanged.
  package let text: String
  /// HTTP/1.1; HTTP/1.0 supports neither chunks nor WebSockets.
  package let isHTTP11: Bool
  /// Whether the client keeps the connection open.
  package let keepsAlive: Bool

  /// Parses a valid head: a request line, field lines, an empty line.
  package init(text: String, isHTTP11: Bool = true, keepsAlive: Bool = true) {
    self.text = text
    self.isHTTP11 = isHTTP11
    self.keepsAlive = keepsAlive
    let lines = text.split(separator: "\r\n")
    let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
    method = words.first.map(String.init) ?? ""
    let target = words.dropFirst().first ?? ""
    let parts = Self.withoutAuthority(target).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = parts.first.map(String.init) ?? ""
    query = parts.dropFirst().first.map(String.init) ?? ""
    fields = lines.dropFirst().compactMap { line in
      guard let colon = line.firstIndex(of: ":") else { return nil }
      return Field(String(line[..<colon]), Self.trimmed(line[line.index(after: colon)...]))
    }
  }

  /// The values of all fields with this name, in order, as one list (RFC 9110 §5.3); nil when there is none.
  package subscript(name: String) -> String? {
    let values = fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  /// The value of a cookie in the request (RFC 6265 §4.2).
  package func cookie(_ name: String) -> String? {
    let pairs = (self["Cookie"] ?? "").split(whereSeparator: { $0 == ";" || $0 == "," })
    let prefix = name + "="
    return pairs.map { Self.trimmed($0) }.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }

  /// The number after `name=` in the query.
  package func number(_ name: String) -> UInt64? {
    let prefix = name + "="
    return query.split(separator: "&").first { $0.hasPrefix(prefix) }.flatMap { UInt64($0.dropFirst(prefix.count)) }
  }

  /// Maps `http://host/path` to `/path` (RFC 9112 §3.2.2).
  private static func withoutAuthority(_ target: Substring) -> Substring {
    guard target.first != "/", let colon = target.firstIndex(of: ":") else { return target }
    let authority = target[colon...].drop { $0 == ":" || $0 == "/" }
    return authority.firstIndex(of: "/").map { authority[$0...] } ?? "/"
  }

  private static func trimmed(_ text: Substring) -> String {
    let start = text.drop { $0 == " " || $0 == "\t" }
    guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
    return String(start[...end])
  }
}
