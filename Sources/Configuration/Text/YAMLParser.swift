import CYAML

/// libyaml's event parser for one text: the only code in this target that uses pointers.
///
/// It uses events and not libyaml's document tree, because the tree lacks the positions of anchors, aliases and further
/// documents.
@safe
struct YAMLParser: ~Copyable {
  /// The next event of the text, with its range of characters.
  struct Event {
    let content: Content
    let start: YAMLMark
    let end: YAMLMark

    enum Content {
      case documentStart, documentEnd, streamEnd
      case scalar(String, isPlain: Bool, Properties)
      case listStart(Properties)
      case mappingStart(Properties)
      case collectionEnd
      case alias
    }
  }

  /// The anchor and tag of a node, which the file's language does not allow.
  struct Properties {
    let hasAnchor: Bool
    let hasTag: Bool
  }

  /// A syntax error, with libyaml's message.
  struct Failure: Error {
    let problem: String
    let place: YAMLMark
    /// What was being parsed, and where it began.
    let context: String?
    let contextPlace: YAMLMark
  }

  /// On the heap: libyaml keeps a pointer to the parser inside it.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let text: UnsafeMutableBufferPointer<UInt8>

  init(_ bytes: [UInt8]) throws(Failure) {
    // SAFETY: both blocks are owned by this value and freed in deinit; libyaml reads `text` only during `next()`.
    unsafe text = .allocate(capacity: bytes.count)
    _ = unsafe text.initialize(from: bytes)
    unsafe parser = .allocate(capacity: 1)
    // SAFETY: initialises the whole structure, or fails without keeping anything.
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      // SAFETY: a zeroed parser holds nothing that deinit's `yaml_parser_delete` would free.
      unsafe parser.initialize(to: yaml_parser_t())
      throw Failure(problem: "out of memory", place: .zero, context: nil, contextPlace: .zero)
    }
    // SAFETY: the parser is initialised; `text` lives as long as it does, and its count is the length handed over.
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
  }

  deinit {
    // SAFETY: made in init, released once, the parser before the text that it reads.
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe text.deallocate()
  }

  /// The next event; must not be called after `streamEnd` or a failure.
  mutating func next() throws(Failure) -> Event {
    while true {
      // SAFETY: on success libyaml has filled `event`, which is deleted once its strings are copied.
      var event = unsafe yaml_event_t()
      guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure }
      defer { unsafe yaml_event_delete(&event) }
      // SAFETY: plain numbers of a filled event.
      let (start, end) = unsafe (YAMLMark(event.start_mark), YAMLMark(event.end_mark))
      if let content = unsafe YAMLParser.content(of: event) {
        return Event(content: content, start: start, end: end)
      }
    }
  }

  /// SAFETY: only the member of the union that the event's type names is read, and its strings are copied.
  @unsafe
  private static func content(of event: yaml_event_t) -> Event.Content? {
    switch unsafe event.type {
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return .streamEnd
    case YAML_ALIAS_EVENT: return .alias
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let text = unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      let properties = unsafe Properties(hasAnchor: scalar.anchor != nil, hasTag: scalar.tag != nil)
      return unsafe .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, properties)
    case YAML_SEQUENCE_START_EVENT:
      let list = unsafe event.data.sequence_start
      return unsafe .listStart(Properties(hasAnchor: list.anchor != nil, hasTag: list.tag != nil))
    case YAML_MAPPING_START_EVENT:
      let mapping = unsafe event.data.mapping_start
      return unsafe .mappingStart(Properties(hasAnchor: mapping.anchor != nil, hasTag: mapping.tag != nil))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .collectionEnd
    default: return nil
    }
  }

  /// The error of the last call.
  private var failure: Failure {
    // SAFETY: `problem` and `context` are nil or point to static strings of libyaml; the marks are plain numbers.
    unsafe Failure(
      problem: parser.pointee.problem.map { unsafe String(cString: $0) } ?? "out of memory",
      place: YAMLMark(parser.pointee.problem_mark),
      context: parser.pointee.context.map { unsafe String(cString: $0) },
      contextPlace: YAMLMark(parser.pointee.context_mark))
  }
}

/// A position in libyaml's terms: line and column from 0, in characters.
struct YAMLMark: Equatable {
  let line: Int
  let column: Int

  static let zero = YAMLMark(line: 0, column: 0)

  init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  init(_ mark: yaml_mark_t) {
    line = Int(clamping: mark.line)
    column = Int(clamping: mark.column)
  }
}
