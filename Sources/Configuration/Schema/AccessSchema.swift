import Balancing
import Wire

/// Which clients may use a service.
extension Schema {
  private static let meaningOfAllow =
    "Networks whose clients are admitted. If there are any, other clients are refused. The smallest network that contains an address decides."
  private static let meaningOfDeny = "Networks whose clients are refused."
  /// An empty list reads as if no client were admitted.
  private static let allowed = Kind<[IPPrefix]>.oneOrMore(
    .prefix, whenEmpty: "Without `allow` all clients are admitted: remove it, or list networks.")

  static let clientAccess = Section<Configuration.Access>(
    name: "access",
    keys: [
      Key("allow", \.networks.allow, allowed, default: "all", example: "[10.0.0.0/8, \"fd00::/8\"]", meaningOfAllow),
      Key("deny", \.networks.deny, .list(of: .prefix), example: "[10.66.0.0/16]", meaningOfDeny),
      Key(
        "paths", \.paths, .accessPaths, default: "none", example: "{ /admin: { allow: [10.0.0.0/8] } }",
        """
        The same for requests of a [path](#rules-for-paths) and everything below it. A client needs the service's \
        admission as well.
        """),
    ])

  static let accessPath = Section<Configuration.Access.Networks>(
    name: "access.paths.PATH",
    keys: [
      Key("allow", \.allow, allowed, default: "all", example: "[10.0.0.0/8]", meaningOfAllow),
      Key("deny", \.deny, .list(of: .prefix), example: "[10.66.0.0/16]", meaningOfDeny),
    ])
}

extension Configuration.Access: DefaultInitialized {}
extension Configuration.Access.Networks: DefaultInitialized {}

extension Kind where Value == [Configuration.Access.Path] {
  static let accessPaths = Kind(
    name: "mapping of paths to networks, see [access.paths.PATH](#accesspathspath)",
    expected: "a mapping of paths to networks, such as `/admin: { allow: [10.0.0.0/8] }`",
    read: { node, reader in
      guard case .mapping(let entries) = node.content else {
        if node.isEmpty { return [] }
        reader.error("expected a mapping of paths to networks, found \(node.found)", at: node.mark)
        return nil
      }
      if entries.count > Configuration.Access.mostPaths {
        reader.error(
          "more than \(Configuration.Access.mostPaths) paths", at: entries[Configuration.Access.mostPaths].keyMark)
        return nil
      }
      var paths: Value = []
      for entry in entries {
        guard let path = Self.path(entry.key) else {
          if entry.key == "/" {
            reader.error(
              "`/` is the whole service", at: entry.keyMark,
              "Use `access: { allow: … }` for the whole service, without `paths`.")
            continue
          }
          reader.error(
            "`\(Node.shortened(entry.key))` is not a path for a rule: it begins with `/`, has at most \(ComparedPath.longestRule) characters, of letters, digits, `.`, `-`, `_` and `/`",
            at: entry.keyMark)
          continue
        }
        if paths.contains(where: { $0.path == path }) {
          reader.error("`\(path)` is given twice: paths are compared without case", at: entry.keyMark)
          continue
        }
        let networks = reader.descend(to: path, key: entry.keyMark, value: entry.value.mark) { reader in
          Schema.accessPath.read(entry.value, &reader)
        }
        if let networks { paths.append(Configuration.Access.Path(path: path, networks: networks)) }
      }
      return paths
    },
    write: { $0.isEmpty ? "none" : $0.map(\.path).joined(separator: ", ") })

  /// The path as rules compare it; nil if a request for it would be compared as another one. A final slash means the same.
  private static func path(_ text: String) -> String? {
    var text = text.lowercased()
    if text.hasSuffix("/") { text.removeLast() }
    guard text.hasPrefix("/"), text.utf8.allSatisfy({ HostName.isNameByte($0) || $0 == UInt8(ascii: "/") }),
      let compared = ComparedPath(text.utf8Span.span)
    else { return nil }
    return compared.text == text ? text : nil
  }
}
