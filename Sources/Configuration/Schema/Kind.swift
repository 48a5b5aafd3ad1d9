import Wire

/// A type of value: its name, and how it is read and written.
struct Kind<Value>: Sendable {
  /// The name on the reference page: `duration, 1s to 24h`.
  let name: String
  /// Completes "expected …": `a duration such as 2s`.
  let expected: String
  /// Whether the key may have no value.
  var takesNoValue = false
  /// Reads a value; nil after reporting why it is rejected.
  let read: @Sendable (Node, inout Reader) -> Value?
  /// The value in the file's syntax.
  let write: @Sendable (Value) -> String
}

/// Why a text is not a valid value: a message that replaces "expected …, found …".
struct Complaint: Error {
  let message: String
  var suggestion: String?
}

extension Kind {
  /// A value written as a scalar. `parse` returns nil when the text does not have the syntax of the kind.
  static func text(
    _ name: String, expected: String,
    write: @escaping @Sendable (Value) -> String = { "\($0)" },
    parse: @escaping @Sendable (String) throws(Complaint) -> Value?
  ) -> Kind {
    let read: @Sendable (Node, inout Reader) -> Value? = { node, reader in
      if case .refused = node.content { return nil }
      if case .scalar(let text, _) = node.content {
        do throws(Complaint) {
          if let value = try parse(text) { return value }
        } catch {
          reader.error(error.message, at: node.mark, error.suggestion)
          return nil
        }
      }
      reader.error("expected \(expected), found \(node.found)", at: node.mark)
      return nil
    }
    return Kind(name: name, expected: expected, read: read, write: write)
  }

  /// The value, or a word for its absence. `off` may also be written `no` or `false`.
  static func either<Some>(_ word: String, or kind: Kind<Some>) -> Kind where Value == Some? {
    let spellings = word == "off" ? ["off", "no", "false"] : [word]
    return Kind(
      name: "`\(word)` or \(kind.name)", expected: "`\(word)` or \(kind.expected)", takesNoValue: kind.takesNoValue,
      read: { node, reader in
        if case .scalar(let text, _) = node.content, spellings.contains(text) { return .some(nil) }
        return kind.read(node, &reader).map { .some($0) }
      },
      write: { $0.map(kind.write) ?? word })
  }

  /// For a property that is nil unless the file sets it, without a word for nil.
  static func optional<Some>(_ kind: Kind<Some>) -> Kind where Value == Some? {
    Kind(
      name: kind.name, expected: kind.expected, takesNoValue: kind.takesNoValue,
      read: { node, reader in kind.read(node, &reader).map { .some($0) } },
      write: { $0.map(kind.write) ?? "none" })
  }

  /// One value, or a non-empty list of values. `suggestion` is what to do about an empty one.
  static func oneOrMore<Item>(_ item: Kind<Item>, whenEmpty suggestion: String? = nil) -> Kind where Value == [Item] {
    let several = list(of: item)
    return Kind(
      name: several.name, expected: several.expected, takesNoValue: item.takesNoValue,
      read: { node, reader in
        if case .list(let nodes) = node.content, nodes.isEmpty {
          reader.error("the list is empty; expected \(item.expected)", at: node.mark, suggestion)
          return nil
        }
        return several.read(node, &reader)
      },
      write: several.write)
  }

  /// One value, or a list of values, which may be empty.
  static func list<Item>(of item: Kind<Item>) -> Kind where Value == [Item] {
    Kind(
      name: "\(item.name), or a list", expected: "\(item.expected), or a list of them",
      takesNoValue: item.takesNoValue,
      read: { node, reader in
        guard case .list(let nodes) = node.content else { return items(item, [node], key: reader.keyMark, &reader) }
        return items(item, nodes, &reader)
      },
      write: { $0.isEmpty ? "[]" : $0.map(item.write).joined(separator: ", ") })
  }

  /// Nil when an item is rejected; all items are read for their diagnostics. A single item without a list has no
  /// position but that of its key.
  private static func items<Item>(
    _ kind: Kind<Item>, _ nodes: [Node], key: Mark? = nil, _ reader: inout Reader
  ) -> [Item]? where Value == [Item] {
    if nodes.count > Schema.longestList {
      reader.error("more than \(Schema.longestList) entries in a list", at: nodes[Schema.longestList].mark)
      return nil
    }
    var values: [Item] = []
    for (index, node) in nodes.enumerated() {
      let value = reader.descend(to: String(index), key: key ?? node.mark, value: node.mark) { kind.read(node, &$0) }
      if let value { values.append(value) }
    }
    return values.count == nodes.count ? values : nil
  }

  /// One value for all hosts, or a mapping of host names to values, from which this machine's is taken.
  static func byHost(_ kind: Kind) -> Kind {
    Kind(
      name: "\(kind.name), or one for each host name", expected: "\(kind.expected), or one for each host name",
      read: { node, reader in
        guard case .mapping(let entries) = node.content else { return kind.read(node, &reader) }
        var mine: Value?
        var isMine = false
        for entry in entries {
          let value = reader.descend(to: entry.key, key: entry.keyMark, value: entry.value.mark) {
            kind.read(entry.value, &$0)
          }
          if HostName.matches(entry.key, reader.hostName) {
            mine = value
            isMine = true
          }
        }
        if !isMine {
          let hosts = entries.map { "`\(Node.shortened($0.key))`" }.joined(separator: ", ")
          reader.error(
            "this machine is called `\(reader.hostName)`, and there is no value for it here"
              + (hosts.isEmpty ? "" : ", only for \(hosts)"),
            at: node.mark)
        }
        return mine
      },
      write: kind.write)
  }

  /// A mapping with the keys of a section.
  static func section(_ section: Section<Value>) -> Kind where Value: Defaulted {
    Kind(
      name: "mapping, see [\(section.name)](#\(Schema.anchor(section.name)))", expected: "a mapping",
      takesNoValue: true, read: section.read, write: { _ in "see there" })
  }
}
