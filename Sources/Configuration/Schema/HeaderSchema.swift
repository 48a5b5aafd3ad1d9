import HTTP1
import Wire

/// Fields that are set and removed on the way.
extension Schema {
  static let headers = Section<Configuration.Headers>(
    name: "headers",
    keys: [
      Key(
        "request", \.request, .section(requestHeaders), default: "none", example: "{ remove: [X-Debug] }",
        "Fields of requests, on their way to the servers."),
      Key(
        "response", \.response, .section(responseHeaders), default: "none", example: "{ remove: [Server] }",
        "Fields of responses, on their way to the clients."),
    ])

  static let requestHeaders = edits(
    "headers.request", set: "{ X-Entrance: internet }", remove: "[X-Debug]",
    "Fields that every request to a server has, with this value alone.", "Fields that are dropped from requests.")

  static let responseHeaders = edits(
    "headers.response", set: "{ X-Frame-Options: SAMEORIGIN }", remove: "[Server, X-Powered-By]",
    """
    Fields that every response has, with this value alone; Belvedere's own responses too, except for fields that they \
    have themselves.
    """, "Fields that are dropped from the servers' responses.")

  private static func edits(
    _ name: String, set: String, remove: String, _ meaningOfSet: String, _ meaningOfRemove: String
  ) -> Section<Configuration.Headers.Edits> {
    Section(
      name: name,
      keys: [
        Key("set", \.set, .fields, default: "none", example: set, meaningOfSet),
        Key("remove", \.remove, .list(of: .fieldName), example: remove, meaningOfRemove),
      ])
  }

  static let transportSecurity = Section<Configuration.TransportSecurity>(
    name: "hsts",
    keys: [
      Key(
        "max-age", \.maxAge, .duration(.zero...(.hours(24 * 365 * 2))), required: true, example: "30d",
        "How long a browser that has got it uses https only. `0s` takes it back from browsers that come again."),
      Key(
        "include-subdomains", \.includesSubdomains, .flag, example: "true",
        "Whether it holds for all names below the service's too."),
      Key(
        "preload", \.preload, .flag, example: "false",
        "Consent to the lists that browsers are delivered with. It needs `include-subdomains` and a year at least."),
    ])
}

extension Configuration.Headers: DefaultInitialized {}
extension Configuration.Headers.Edits: DefaultInitialized {}
extension Configuration.TransportSecurity: DefaultInitialized {}

extension Kind where Value == String {
  static let fieldName = Kind.text(
    "field name", expected: "the name of a field such as X-Debug"
  ) { text throws(Complaint) in
    if let objection = HeaderEdits.objection(to: text) {
      throw Complaint(message: "`\(Node.shortened(text))` can't be edited: it \(objection)")
    }
    return text
  }
}

extension Kind where Value == [Configuration.Headers.Field] {
  static let fields = Kind(
    name: "mapping of field names to values", expected: "a mapping of field names to values",
    read: { node, reader in
      guard case .mapping(let entries) = node.content else {
        if node.isEmpty { return [] }
        if case .refused = node.content { return nil }
        reader.error("expected a mapping of field names to values, found \(node.found)", at: node.mark)
        return nil
      }
      var fields: Value = []
      for entry in entries {
        let value = reader.descend(to: entry.key, key: entry.keyMark, value: entry.value.mark) { reader in
          read(entry, &reader)
        }
        if let value { fields.append(Configuration.Headers.Field(name: entry.key, value: value)) }
      }
      return fields.count == entries.count ? fields : nil
    },
    write: { $0.isEmpty ? "none" : $0.map(\.name).joined(separator: ", ") })

  private static func read(_ entry: Node.Entry, _ reader: inout Reader) -> String? {
    if let objection = HeaderEdits.objection(to: entry.key) {
      reader.error("`\(Node.shortened(entry.key))` can't be edited: it \(objection)", at: entry.keyMark)
      return nil
    }
    if HeaderEdits.areSame(entry.key, "Strict-Transport-Security") {
      reader.error("`\(entry.key)` is set by `hsts`", at: entry.keyMark, "For example: hsts: { max-age: 365d }")
      return nil
    }
    guard case .scalar(let value, _) = entry.value.content, !value.isEmpty else {
      reader.error("expected a value for `\(entry.key)`, found \(entry.value.found)", at: entry.value.mark)
      return nil
    }
    if let objection = HeaderEdits.objection(toValue: value) {
      reader.error("the value of `\(entry.key)` \(objection)", at: entry.value.mark)
      return nil
    }
    return value
  }
}
