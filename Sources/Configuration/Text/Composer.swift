/// Builds the tree of a text's single document from libyaml's events.
///
/// The file's language is a subset of YAML: anchors, aliases and tags are rejected, so a small text can not expand into
/// a large tree, and every value is at the position where it is used. Keys are strings and unique.
struct Composer {
  let source: SourceText
  /// The errors so far; the tree is still complete enough to find more.
  private(set) var diagnostics: [Diagnostic] = []
  private var open: [Collection] = []
  private var root: Node?

  /// A list or mapping that has not ended.
  private struct Collection {
    let mark: Mark
    let isMapping: Bool
    var items: [Node] = []
    var entries: [Node.Entry] = []
    /// A key that has no value yet; the name is nil when it was rejected.
    var key: (name: String?, mark: Mark)?
    var lineOfKey: [String: Int] = [:]
  }

  /// Deeper than any value of the schema; limits all recursion over the tree.
  private static let deepestNesting = 16

  init(_ source: SourceText) {
    self.source = source
  }

  /// The document's root; nil when the text is not YAML or has no value, which the diagnostics report then.
  mutating func compose() -> Node? {
    do {
      var parser = try YAMLParser(source.bytes)
      var documents = 0
      while true {
        let event = try parser.next()
        switch event.content {
        case .streamEnd: return root
        case .documentEnd: break
        case .documentStart:
          documents += 1
          guard documents == 1 else {
            refuse("a second document begins here; the file must have one", mark(event))
            return nil
          }
        case .alias:
          refuse("aliases (`*name`) are not allowed here: write the value out", mark(event))
          add(Node(content: .refused, mark: mark(event)))
        case .scalar(let text, let isPlain, let properties):
          let isRefused = refuse(properties, at: mark(event))
          let content = isRefused ? Node.Content.refused : .scalar(text, isPlain: isPlain)
          add(Node(content: content, mark: mark(event)))
        case .listStart(let properties), .mappingStart(let properties):
          refuse(properties, at: mark(event))
          guard open.count < Composer.deepestNesting else {
            refuse("nested more than \(Composer.deepestNesting) deep", mark(event))
            return nil
          }
          let isMapping = if case .mappingStart = event.content { true } else { false }
          open.append(Collection(mark: mark(event), isMapping: isMapping))
        case .collectionEnd:
          guard let collection = open.popLast() else { break }
          let content: Node.Content = collection.isMapping ? .mapping(collection.entries) : .list(collection.items)
          add(Node(content: content, mark: collection.mark))
        }
      }
    } catch {
      diagnostics.append(SyntaxError.explain(error, in: source))
      return nil
    }
  }

  /// Adds a complete node to the innermost open collection, as key or as value.
  private mutating func add(_ node: Node) {
    guard var collection = open.popLast() else {
      root = node
      return
    }
    defer { open.append(collection) }
    guard collection.isMapping else {
      collection.items.append(node)
      return
    }
    guard let key = collection.key else {
      collection.key = (accept(key: node, in: &collection), node.mark)
      return
    }
    collection.key = nil
    if let name = key.name {
      collection.entries.append(Node.Entry(key: name, keyMark: key.mark, value: node))
    }
  }

  private mutating func accept(key node: Node, in collection: inout Collection) -> String? {
    switch node.content {
    case .refused: return nil
    case .list, .mapping:
      refuse("a key must be a text, found \(node.found)", node.mark)
      return nil
    case .scalar(let name, _):
      if let line = collection.lineOfKey[name] {
        refuse("`\(Node.shortened(name))` is given twice; the first one is in line \(line)", node.mark)
        return nil
      }
      collection.lineOfKey[name] = node.mark.line
      return name
    }
  }

  @discardableResult
  private mutating func refuse(_ properties: YAMLParser.Properties, at mark: Mark) -> Bool {
    if properties.hasAnchor { refuse("anchors (`&name`) are not allowed here: write the value out", mark) }
    if properties.hasTag { refuse("tags (`!name`) are not allowed here", mark) }
    return properties.hasAnchor || properties.hasTag
  }

  private mutating func refuse(_ message: String, _ mark: Mark) {
    diagnostics.append(Diagnostic(.error, file: source.file, place: source.place(of: mark), message: message))
  }

  /// The part of the event's characters on its first line.
  private func mark(_ event: YAMLParser.Event) -> Mark {
    let line = event.start.line + 1
    let isOneLine = event.end.line == event.start.line
    let end = isOneLine ? event.end.column : source.line(line)?.unicodeScalars.count ?? 0
    return Mark(line: line, column: event.start.column + 1, length: max(1, end - event.start.column))
  }
}
