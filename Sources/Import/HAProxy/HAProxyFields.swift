import HTTP1
import Wire

/// Lines that set or remove a field of every request or response alike.
extension HAProxyImport {
  /// The verdict on `set-header` and `del-header` of a field that may be edited; nil for other lines and fields.
  func fieldVerdict(_ line: Statement, of proxy: Proxy, _ draft: inout ServiceDraft) -> Verdict? {
    let direction: String
    switch line.words[0] {
    case "http-request": direction = "request"
    case "http-response", "http-after-response": direction = "response"
    default: return nil
    }
    guard let action = line[1], action == "set-header" || action == "del-header", let name = line[2] else { return nil }
    let isTransportSecurity = HeaderEdits.areSame(name, "Strict-Transport-Security")
    guard HeaderEdits.objection(to: name) == nil || isTransportSecurity else { return nil }
    let (criterion, start) = proxy.conditions.condition(of: line)
    guard criterion == .always || criterion == .secure else {
      return .impossible("`headers` sets and removes fields of all requests and responses alike")
    }
    guard !draft.isPassthrough else { return .impossible("fields can't be seen in mode passthrough") }
    var fields = EditedFields(draft.settings, direction)
    if action == "del-header" {
      guard start == 3 else { return .impossible("`headers` removes fields by their whole name") }
      guard fields.remove(name) else {
        return .impossible("the most fields are edited already, or another line sets this one")
      }
      fields.write(to: &draft.settings)
      return .taken("headers.\(direction).remove: \(name)")
    }
    guard start == 4, let value = Self.constant(line[3] ?? "") else {
      return .impossible("`headers` sets fields to constants only")
    }
    if isTransportSecurity {
      guard direction == "response" else { return .impossible("it is a field of responses") }
      return Self.transportSecurity(value, &draft)
    }
    guard !value.isEmpty, HeaderEdits.objection(toValue: value) == nil else {
      return .impossible("the value is none that `headers` can set")
    }
    guard fields.set(name, value) else {
      return .impossible("the most fields are edited already, or another line gives this one another value")
    }
    fields.write(to: &draft.settings)
    // Only TLS is relayed, but what a redirect of plain http has is not distinguished.
    let isWider = direction == "response" && criterion == .secure
    return .taken("headers.\(direction).set: \(name)\(isWider ? ", in the redirect of plain http as well" : "")")
  }

  /// The text of a format without variables.
  private static func constant(_ format: String) -> String? {
    let parts = format.split(separator: "%%", omittingEmptySubsequences: false)
    return parts.contains { $0.contains("%") } ? nil : parts.joined(separator: "%")
  }

  private static func transportSecurity(_ value: String, _ draft: inout ServiceDraft) -> Verdict {
    let advice = Verdict.impossible("write it as `hsts: { max-age: 365d, include-subdomains: true }`")
    var settings = YAMLMapping()
    var seconds: UInt64?
    for part in value.split(separator: ";") {
      let words = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\"" }.lowercased() }
      switch words.first {
      case "max-age" where words.count == 2: seconds = UInt64(words[1])
      case "includesubdomains": settings.set(["include-subdomains"], .scalar("true"))
      case "preload": settings.set(["preload"], .scalar("true"))
      case nil, "": break
      default: return advice
      }
    }
    guard let seconds, seconds <= 730 * 86_400 else { return advice }
    if settings["preload"] != nil, settings["include-subdomains"] == nil || seconds < 365 * 86_400 { return advice }
    let age = seconds > 0 && seconds.isMultiple(of: 86_400) ? "\(seconds / 86_400)d" : "\(seconds)s"
    settings.set(["max-age"], .scalar(age))
    return draft.choose("hsts", .mapping(settings), text: "max-age \(age)")
  }
}

/// The fields that a draft edits in one direction.
private struct EditedFields {
  private let path: [String]
  private var values: [(name: String, value: String)] = []
  private var removed: [String] = []

  init(_ settings: YAMLMapping, _ direction: String) {
    path = ["headers", direction]
    if case .mapping(let fields)? = settings.node(at: path + ["set"]) {
      values = fields.entries.compactMap { entry in
        if case .scalar(let value) = entry.node { (entry.key, value) } else { nil }
      }
    }
    if case .list(let names)? = settings.node(at: path + ["remove"]) {
      removed = names.compactMap { if case .scalar(let name) = $0 { name } else { nil } }
    }
  }

  private var mayGrow: Bool { values.count + removed.count < HeaderEdits.mostNames }

  /// False if that is not possible, or would come to something else than the lines in their order.
  mutating func set(_ name: String, _ value: String) -> Bool {
    if let other = values.first(where: { HeaderEdits.areSame($0.name, name) }) { return other.value == value }
    removed.removeAll { HeaderEdits.areSame($0, name) }
    guard mayGrow else { return false }
    values.append((name, value))
    return values.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 } <= HeaderEdits.longestLines
  }

  mutating func remove(_ name: String) -> Bool {
    if removed.contains(where: { HeaderEdits.areSame($0, name) }) { return true }
    guard mayGrow, !values.contains(where: { HeaderEdits.areSame($0.name, name) }) else { return false }
    removed.append(name)
    return true
  }

  func write(to settings: inout YAMLMapping) {
    var edits = YAMLMapping()
    for (name, value) in values { edits.set(["set", name], .scalar(value)) }
    if !removed.isEmpty { edits.set(["remove"], .list(removed.map { .scalar($0) })) }
    settings.set(path, .mapping(edits))
  }
}
