/// A part of the configuration whose initial values are its defaults.
protocol Defaulted: Sendable {
  /// The defaults of the part; values that the file must provide are empty.
  static var defaults: Self { get }
}

/// A part without required values.
protocol DefaultInitialized: Defaulted { init() }

extension DefaultInitialized {
  static var defaults: Self { Self() }
}

/// The keys of one mapping of the file: the only declaration for reading, suggestions and the reference page.
struct Section<Owner: Defaulted>: Sendable {
  /// The name on the reference page: `health`, `servers.NAME`.
  let name: String
  let keys: [Key<Owner>]

  /// Reads a mapping; nil only when the node is not a mapping. Rejected values are reported and keep their defaults. A
  /// key without a value is an empty mapping, so that all of its entries may be commented out.
  func read(_ node: Node, _ reader: inout Reader) -> Owner? {
    switch node.content {
    case .mapping(let entries): return read(entries, &reader)
    case .scalar where node.isEmpty: return read([], &reader)
    case .refused: return nil
    case .scalar, .list:
      reader.error(
        "expected a mapping with keys such as `\(keys[0].name)`, found \(node.found)", at: node.mark,
        keys.first { $0.isRequired && name != Schema.rootName }.map { "For example: { \($0.exampleLine) }" })
      return nil
    }
  }

  /// Keys are read in the order of the schema, not of the file.
  private func read(_ entries: [Node.Entry], _ reader: inout Reader) -> Owner {
    var owner = Owner.defaults
    for entry in entries where !keys.contains(where: { $0.name == entry.key }) {
      reportUnknown(entry, &reader)
    }
    for key in keys {
      if let entry = entries.first(where: { $0.key == key.name }) {
        _ = reader.descend(to: key.name, key: entry.keyMark, value: entry.value.mark) { reader in
          key.read(entry.value, &reader, &owner)
        }
      } else if key.isRequired, !reader.isMisspelt(key.name) {
        reader.error("`\(key.name)` is missing\(place)", at: reader.keyMark, "For example: \(key.exampleLine)")
      }
    }
    return owner
  }

  /// The section's position, for messages whose own position does not show it.
  private var place: String {
    name == Schema.rootName || name == Schema.service.name ? "" : " in `\(name)`"
  }

  private func reportUnknown(_ entry: Node.Entry, _ reader: inout Reader) {
    var suggestion: String?
    if let successor = Schema.formerKeys[entry.key], keys.contains(where: { $0.name == successor }) {
      reader.noteMisspelt(successor)
      suggestion = "`\(entry.key)` is now `\(successor)`."
    } else if let near = Schema.synonym(of: entry.key, among: keys.map(\.name))
      ?? Suggestion.nearest(to: entry.key, among: keys.lazy.map(\.name))
    {
      reader.noteMisspelt(near)
      suggestion = "Did you mean `\(near)`?"
    } else {
      suggestion = Schema.home(of: entry.key, strayedTo: name).map { "It belongs \($0)." }
    }
    reader.error("unknown key `\(Node.shortened(entry.key))`\(place)", at: entry.keyMark, suggestion)
  }
}

struct Key<Owner: Defaulted>: Sendable {
  let name: String
  /// The kind of its value, for the reference: `duration`.
  let kind: String
  /// The default in the file's syntax.
  let standard: String
  let meaning: String
  /// A value in the file's syntax.
  let example: String
  let isRequired: Bool
  /// Reads the value into its owner; nil when it was rejected.
  let read: @Sendable (Node, inout Reader, inout Owner) -> Void?

  /// - Parameters:
  ///   - standard: the default as text, where it is not the property's initial value or is clearer so.
  ///   - example: indented as a block when it has several lines.
  init<Value>(
    _ name: String, _ property: any WritableKeyPath<Owner, Value> & Sendable, _ kind: Kind<Value>,
    required: Bool = false, default standard: String? = nil, example: String, _ meaning: String
  ) {
    self.name = name
    self.kind = kind.name
    self.standard = required ? "required" : standard ?? "`\(kind.write(Owner.defaults[keyPath: property]))`"
    self.meaning = meaning
    self.example = example
    isRequired = required
    read = { node, reader, owner in
      if node.isEmpty, !kind.takesNoValue {
        reader.error("`\(name)` has no value; expected \(kind.expected)", at: reader.keyMark)
        return nil
      }
      guard let value = kind.read(node, &reader) else { return nil }
      owner[keyPath: property] = value
      return ()
    }
  }

  /// The same key, for a type that contains its owner.
  func inside<Whole>(_ part: any WritableKeyPath<Whole, Owner> & Sendable) -> Key<Whole> {
    Key<Whole>(
      name: name, kind: kind, standard: standard, meaning: meaning, example: example, isRequired: isRequired
    ) { [read] node, reader, whole in read(node, &reader, &whole[keyPath: part]) }
  }

  private init(
    name: String, kind: String, standard: String, meaning: String, example: String, isRequired: Bool,
    read: @escaping @Sendable (Node, inout Reader, inout Owner) -> Void?
  ) {
    self.name = name
    self.kind = kind
    self.standard = standard
    self.meaning = meaning
    self.example = example
    self.isRequired = isRequired
    self.read = read
  }

  /// The key with its example, on one line or as a block.
  var exampleLine: String {
    example.contains("\n") ? "\(name):\n\(example)" : "\(name): \(example)"
  }
}
