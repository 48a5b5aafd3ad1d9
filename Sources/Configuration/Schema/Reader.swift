import Domain

/// The state while a file is read: the path of keys to the current value, the diagnostics so far, the position of each
/// value, and the referenced files.
struct Reader {
  let source: SourceText
  /// This machine's name, for values that are keyed by host.
  let hostName: String
  /// The directory of the service's systemd credentials.
  let credentials: String?
  /// The paths of files that are to replace others, by those that they replace.
  let stagedFiles: [String: String]
  private(set) var diagnostics: [Diagnostic]
  /// The files referenced so far, in reading order.
  private(set) var files: [FileReference] = []
  private var path: [String] = []
  private var sites: [String: Site] = [:]
  private var misspelt: Set<String> = []
  /// The key of the value being read.
  private(set) var keyMark = Mark.top

  init(
    source: SourceText, hostName: String, credentials: String? = nil, stagedFiles: [String: String] = [:],
    diagnostics: [Diagnostic]
  ) {
    self.source = source
    self.hostName = hostName
    self.credentials = credentials
    self.stagedFiles = stagedFiles
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

  /// The name of the service that is being read or checked, in full if it is valid; empty if it has none.
  var service: String {
    guard path.count > 1, path[0] == Schema.servicesKey else { return "" }
    return ServerName.isValid(path[1]) ? path[1] : Node.shortened(path[1])
  }

  /// Resolves paths within one service while `body` runs.
  mutating func within(_ service: Configuration.Service, _ body: (inout Reader) -> Void) {
    guard !service.name.isEmpty else { return body(&self) }
    let outerKey = keyMark
    keyMark = site(Schema.servicesKey, service.name)?.key ?? keyMark
    path = [Schema.servicesKey, service.name]
    body(&self)
    path = []
    keyMark = outerKey
  }

  /// Reads a value below a key, and records its position.
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

  /// The position of a key and its value, and whether the value was accepted.
  struct Site {
    let key: Mark
    let value: Mark
    let isGood: Bool
  }

  /// The position of a path below the current one, whether or not its value was accepted.
  func site(_ path: String...) -> Site? { site(at: path) }

  /// The position of the value at a path; nil when the file does not contain it, so that the default applies, or when
  /// the value was rejected.
  func mark(_ path: String...) -> Mark? {
    goodMark(path)
  }

  /// As `site` and `mark`, for a path in an array.
  func site(at path: [String]) -> Site? { sites[(self.path + path).joined(separator: Reader.separator)] }
  func mark(at path: [String]) -> Mark? { goodMark(path) }

  /// The position of an item in a value that may be a single item or a list.
  func mark(in path: [String], item index: Int) -> Mark? {
    goodMark(path + [String(index)])
  }

  private func goodMark(_ path: [String]) -> Mark? {
    guard let site = site(at: path), site.isGood else { return nil }
    return site.value
  }

  /// Records that a key of the current mapping is present but misspelt, so that it is not reported as missing.
  mutating func noteMisspelt(_ key: String) {
    misspelt.insert((path + [key]).joined(separator: Reader.separator))
  }

  /// Whether a key is present but misspelt, in the current mapping or below it.
  func isMisspelt(_ key: String...) -> Bool {
    misspelt.contains((path + key).joined(separator: Reader.separator))
  }

  mutating func add(_ purpose: FileReference.Purpose, path: String, mark: Mark) {
    files.append(FileReference(purpose: purpose, service: service, path: path, mark: mark))
  }

  /// The absolute form of a path: relative paths start at the configuration file's directory, credentials at their own. That of a
  /// staged file is where it is now.
  func resolve(path: String) -> String {
    if let credential = Credential.path(path, in: credentials) { return credential }
    guard !path.hasPrefix("/"), let slash = source.file.lastIndex(of: "/") else { return stagedFiles[path] ?? path }
    let absolute = String(source.file[...slash]) + path
    return stagedFiles[absolute] ?? absolute
  }

  /// A character that no key of the schema contains.
  private static let separator = "\n"
}
