/// What reading a file needs at hand and what it gathers: the path of keys to where it is, the problems found, where
/// each value stood, and the files that are named.
struct Reader {
  let source: SourceText
  /// This machine's name, for values that are keyed by host.
  let hostName: String
  /// Where systemd has put the service's credentials.
  let credentials: String?
  private(set) var diagnostics: [Diagnostic]
  /// The files named so far, in the order of reading.
  private(set) var files: [FileReference] = []
  private var path: [String] = []
  private var sites: [String: Site] = [:]
  private var misspelt: Set<String> = []
  /// The key that led to the value being read.
  private(set) var keyMark = Mark.top

  init(source: SourceText, hostName: String, credentials: String? = nil, diagnostics: [Diagnostic]) {
    self.source = source
    self.hostName = hostName
    self.credentials = credentials
    self.diagnostics = diagnostics
  }

  mutating func error(_ message: String, at mark: Mark, _ suggestion: String? = nil) {
    report(.error, message, mark, suggestion)
  }

  mutating func warn(_ message: String, at mark: Mark, _ suggestion: String? = nil) {
    report(.warning, message, mark, suggestion)
  }

  private mutating func report(_ severity: Diagnostic.Severity, _ message: String, _ mark: Mark, _ hint: String?) {
    diagnostics.append(
      Diagnostic(
        severity, file: source.file, place: source.place(of: mark),
        message: Configuration.Service.prefix(service) + message, suggestion: hint))
  }

  /// The name of the service that is being read or checked; empty where it has none.
  var service: String { path.count > 1 && path[0] == Schema.servicesKey ? Node.shortened(path[1]) : "" }

  /// Goes by the keys of one service for as long as `body` runs.
  mutating func within(_ service: Configuration.Service, _ body: (inout Reader) -> Void) {
    guard !service.name.isEmpty else { return body(&self) }
    let outerKey = keyMark
    keyMark = site(Schema.servicesKey, service.name)?.key ?? keyMark
    path = [Schema.servicesKey, service.name]
    body(&self)
    path = []
    keyMark = outerKey
  }

  /// Reads one step further down, and remembers where that was when the value is good.
  mutating func descend<Value>(
    to step: String, key: Mark, value: Mark, _ read: (inout Reader) -> Value?
  ) -> Value? {
    let outerKey = keyMark
    path.append(step)
    keyMark = key
    let result = read(&self)
    sites[path.joined(separator: Reader.separator)] = Site(key: key, value: value, isGood: result != nil)
    path.removeLast()
    keyMark = outerKey
    return result
  }

  /// Where a key and its value stood, and whether the value was taken.
  struct Site {
    let key: Mark
    let value: Mark
    let isGood: Bool
  }

  /// Where the file has a path below the one being read, be its value good or not.
  func site(_ path: String...) -> Site? { site(at: path) }

  /// Where the value at a path stood; nil when the file does not have it, so that its default holds, or when the value
  /// was refused.
  func mark(_ path: String...) -> Mark? {
    goodMark(path)
  }

  /// As `site` and `mark`, for a path that is put together.
  func site(at path: [String]) -> Site? { sites[(self.path + path).joined(separator: Reader.separator)] }
  func mark(at path: [String]) -> Mark? { goodMark(path) }

  /// Where an item of a value stood that may be one or a list.
  func mark(in path: [String], item index: Int) -> Mark? {
    goodMark(path + [String(index)])
  }

  private func goodMark(_ path: [String]) -> Mark? {
    guard let site = site(at: path), site.isGood else { return nil }
    return site.value
  }

  /// Remembers that a key of the mapping being read is there under a wrong name, and so not missing as well.
  mutating func noteMisspelt(_ key: String) {
    misspelt.insert((path + [key]).joined(separator: Reader.separator))
  }

  /// Whether a key is there under a wrong name, in the mapping being read or further down.
  func isMisspelt(_ key: String...) -> Bool {
    misspelt.contains((path + key).joined(separator: Reader.separator))
  }

  mutating func add(_ purpose: FileReference.Purpose, path: String, mark: Mark) {
    files.append(FileReference(purpose: purpose, service: service, path: path, mark: mark))
  }

  /// A path of the file as an absolute one: relative paths start at the configuration file's directory, credentials at
  /// theirs.
  func resolve(path: String) -> String {
    if let credential = Credential.path(path, in: credentials) { return credential }
    guard !path.hasPrefix("/"), let slash = source.file.lastIndex(of: "/") else { return path }
    return source.file[...slash] + path
  }

  /// Not in any key that the schema takes.
  private static let separator = "\n"
}
