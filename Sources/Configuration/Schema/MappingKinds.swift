import Domain
import Wire

/// The kinds that are mappings with keys chosen by the administrator.

extension Kind where Value == [Configuration.Server] {
  static let servers = named(
    "server", .server, by: \.name, at: "[servers.NAME](#serversname)", example: "view01: 192.168.1.165")
}

extension Kind where Value == [Configuration.Service] {
  static let services = named(
    "service", .section(Schema.service), by: \.name, at: "[several services](#several-services)",
    example: Schema.exampleService)
}

extension Kind where Value == [Configuration.Pair.Node] {
  private static let all = named("node", .node, by: \.name, at: "[pair](#pair)", example: "lb1: 192.168.1.162")

  static let nodes = Kind(
    name: "mapping of names to IP addresses", expected: all.expected,
    read: { node, reader in
      guard let nodes = all.read(node, &reader), case .mapping(let entries) = node.content,
        nodes.count == entries.count
      else { return nil }
      let counts = Configuration.Pair.nodeCounts
      guard counts.contains(nodes.count) else {
        reader.error("expected \(counts.lowerBound) to \(counts.upperBound) nodes, found \(nodes.count)", at: node.mark)
        return nil
      }
      return nodes
    },
    write: all.write)
}

extension Kind {
  /// A mapping of names to items, in the file's order.
  fileprivate static func named<Item>(
    _ what: String, _ item: Kind<Item>, by name: any WritableKeyPath<Item, String> & Sendable, at reference: String,
    example: String
  ) -> Kind where Value == [Item] {
    Kind(
      name: "mapping of names to \(what)s, see \(reference)",
      expected: "a mapping of names to \(what)s, such as `\(example)`",
      read: { node, reader in
        guard case .mapping(let entries) = node.content, !entries.isEmpty else {
          if case .refused = node.content { return nil }
          reader.error(
            "expected a mapping of names to \(what)s, found \(node.found)", at: node.mark, "For example: \(example)")
          return nil
        }
        return entries.compactMap { entry -> Item? in
          let isNamed = ServerName.isValid(entry.key)
          if !isNamed {
            reader.error(
              "`\(Node.shortened(entry.key))` is not a name for a \(what): letters, digits, `.`, `-` and `_`, at most 64",
              at: entry.keyMark)
          }
          var value = reader.descend(to: entry.key, key: entry.keyMark, value: entry.value.mark) {
            item.read(entry.value, &$0)
          }
          value?[keyPath: name] = entry.key
          return isNamed ? value : nil
        }
      },
      write: { $0.map { $0[keyPath: name] }.joined(separator: ", ") })
  }
}

extension Kind where Value == Configuration.Server {
  /// An address, or a mapping.
  fileprivate static let server = Kind(
    name: "address or mapping", expected: "an IP address such as 192.168.1.165, or a mapping",
    read: { node, reader in
      if case .mapping = node.content { return Schema.server.read(node, &reader) }
      let address = reader.descend(to: "address", key: reader.keyMark, value: node.mark) { reader in
        Kind<Endpoint>.serverEndpoint.read(node, &reader)
      }
      return address.map { endpoint in
        var server = Configuration.Server.defaults
        server.endpoint = endpoint
        return server
      }
    },
    write: \.name)
}

extension Kind where Value == [Configuration.OwnPage: String] {
  static let pages = Kind(
    name: "mapping of status codes, or `maintenance`, to paths", expected: "a mapping of status codes to paths",
    read: { node, reader in
      guard case .mapping(let entries) = node.content else {
        if node.isEmpty { return [:] }
        reader.error("expected a mapping of status codes to paths, found \(node.found)", at: node.mark)
        return nil
      }
      let codes = Configuration.statusCodes.map(String.init)
      var pages: Value = [:]
      for entry in entries {
        guard let page = Configuration.OwnPage(entry.key) else {
          reader.error(
            "Belvedere never answers `\(Node.shortened(entry.key))`; its own answers are maintenance, \(codes.joined(separator: ", "))",
            at: entry.keyMark)
          continue
        }
        pages[page] = reader.descend(to: entry.key, key: entry.keyMark, value: entry.value.mark) { reader in
          Kind<String>.path(.errorPage).read(entry.value, &reader)
        }
      }
      return pages
    },
    write: { $0.isEmpty ? "none" : "\($0.count) pages" })
}

extension Configuration.OwnPage {
  fileprivate init?(_ key: String) {
    if key == "maintenance" {
      self = .maintenance
    } else {
      guard let code = UInt16(key), Configuration.statusCodes.contains(code) else { return nil }
      self = .error(code)
    }
  }
}

extension Kind where Value == Configuration.Log.AccessTarget {
  private static let words: [(String, Configuration.Log.AccessTarget)] = [
    ("stdout", .standardOutput), ("journal", .journal), ("syslog", .syslog),
  ]

  static let accessTarget = Kind(
    name: "`stdout`, `journal`, `syslog` or path", expected: "`stdout`, `journal`, `syslog` or a path",
    read: { node, reader in
      if case .scalar(let text, _) = node.content {
        if let word = words.first(where: { $0.0 == text }) { return word.1 }
        guard text.contains("/") else {
          reader.error("expected `stdout`, `journal`, `syslog` or a path, found \(node.found)", at: node.mark)
          return nil
        }
      }
      return Kind<String>.path(.accessLog).read(node, &reader).map { .file($0) }
    },
    write: { target in
      if case .file(let path) = target { return path }
      return words.first { $0.1 == target }?.0 ?? ""
    })
}
