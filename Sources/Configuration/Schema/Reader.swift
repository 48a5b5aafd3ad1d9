/// What reading a file needs at hand and what it gathers: the path of keys to where it is, the problems found, where
/// each value stood, and the files that are named.
struct Reader {
  let source: SourceText
  /// This machine's name, for values that are keyed by host.
  let hostName: String
  private(set) var diagnostics: [Diagnostic]
  /// The files named so far, in the order of reading.
  private(set) var files: [FileReference] = []
  private var path: [String] = []
  private var marks: [String: Mark] = [:]
  private var named: Set<String> = []
  /// The key that led to the value being read.
  private(set) var keyMark = Mark.top

  init(source: SourceText, hostName: String, diagnostics: [Diagnostic]) {
    self.source = source
    self.hostName = hostName
    self.diagnostics = diagnostics
  }

  mutating func error(_ message: String, at mark: Mark, _ suggestion: String? = nil) {
    report(.error, message, mark, suggestion)
  }

  mutating func warn(_ message: String, at mark: Mark, _ suggestion: String? = nil) {
    report(.warning, message, mark, suggestion)
  }

  private mutating func report(_ severity: Diagnostic.Severity, _ message: String, _ mark: Mark, _ hint: String?) {
    let place = source.place(of: mark)
    diagnostics.append(Diagnostic(severity, file: source.file, place: place, message: message, suggestion: hint))
  }

  /// Reads one step further down, and remembers where that was when the value is good.
  mutating func descend<Value>(
    to step: String, key: Mark, value: Mark, _ read: (inout Reader) -> Value?
  ) -> Value? {
    let outerKey = keyMark
    path.append(step)
    keyMark = key
    let name = path.joined(separator: Reader.separator)
    named.insert(name)
    let result = read(&self)
    if result != nil { marks[name] = value }
    path.removeLast()
    keyMark = outerKey
    return result
  }

  /// Where the value at a path stood; nil when the file does not have it, so that its default holds, or when the value
  /// was refused.
  func mark(_ path: String...) -> Mark? {
    marks[path.joined(separator: Reader.separator)]
  }

  /// Where an item of a value stood that may be one or a list.
  func mark(in path: [String], item index: Int) -> Mark? {
    marks[(path + [String(index)]).joined(separator: Reader.separator)]
  }

  /// Whether the file has the key, be its value good or not.
  func isNamed(_ path: String...) -> Bool {
    named.contains(path.joined(separator: Reader.separator))
  }

  mutating func add(file: FileReference) {
    files.append(file)
  }

  /// A path of the file as an absolute one: relative paths start at the configuration file's directory.
  func resolve(path: String) -> String {
    guard !path.hasPrefix("/"), let slash = source.file.lastIndex(of: "/") else { return path }
    return source.file[...slash] + path
  }

  /// Not in any key that the schema takes.
  private static let separator = "\n"
}
