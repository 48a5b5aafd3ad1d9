/// The lines of keepalived.conf and of the files that it includes.
struct KeepalivedFile {
  static let mostLines = 5000
  static let mostFiles = 64
  /// Deepest nesting of files.
  static let deepest = 8

  private(set) var lines: [KeepalivedLine] = []
  private var fileCount = 0
  private var lineCount = 0
  private let files: @Sendable (String) -> [SourceFile]

  /// `files`: those that a pattern of an `include` names.
  init(_ source: SourceFile, files: @escaping @Sendable (String) -> [SourceFile], _ ledger: inout Ledger) {
    self.files = files
    read(source, depth: 0, &ledger)
  }

  /// The nodes that conditions name, in the order of their first mention.
  var hosts: [String] {
    var hosts: [String] = []
    for line in lines {
      if let host = line.condition?.host, !hosts.contains(host) { hosts.append(host) }
    }
    return hosts
  }

  private mutating func read(_ source: SourceFile, depth: Int, _ ledger: inout Ledger) {
    fileCount += 1
    let rows = source.bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map {
      $0.last == 0x0d ? $0.dropLast() : $0
    }
    var index = 0
    while index < rows.count {
      let first = index
      var parts = [rows[index]]
      while parts[parts.count - 1].last == UInt8(ascii: "\\"), index + 1 < rows.count {
        parts[parts.count - 1].removeLast()
        index += 1
        parts.append(rows[index])
      }
      index += 1
      lineCount += parts.count
      var line = KeepalivedLine()
      var isOpen = false
      for (offset, part) in parts.enumerated() {
        let found = KeepalivedLexer.tokens(part)
        isOpen = found.isOpen
        line.tokens += found.tokens
        let place = Word.Place(file: source.path, line: first + offset + 1)
        line.places += ledger.add(found.tokens.map { Word(text: $0.text, source: $0.source, place: place) })
      }
      guard !line.tokens.isEmpty else { continue }
      guard lineCount <= Self.mostLines else {
        ledger.settle(line.places, .impossible("shorten the files, which have more than \(Self.mostLines) lines"))
        continue
      }
      if isOpen { ledger.settle(line.places, .impossible("close the quote")) }
      add(line, parts.map { Array($0) }, from: source, depth, &ledger)
    }
  }

  private mutating func add(
    _ read: KeepalivedLine, _ parts: [[UInt8]], from source: SourceFile, _ depth: Int, _ ledger: inout Ledger
  ) {
    var line = read
    if let first = line.tokens.first, first.source.hasPrefix("@"), first.source.count > 1 {
      let isNegated = first.source.hasPrefix("@^")
      line.condition = KeepalivedLine.Condition(
        host: String(first.source.dropFirst(isNegated ? 2 : 1)), isNegated: isNegated)
      line.conditionPlaces = [line.places.removeFirst()]
      line.tokens.removeFirst()
      ledger.settle(line.conditionPlaces, .taken("a value for each node"))
    }
    guard let keyword = line.tokens.first?.source else { return }
    if let name = Self.definedName(keyword) {
      line.definition = (name, Self.value(of: parts))
      ledger.settle(line.places, .notNeeded("the variable is replaced by its value"))
    } else if keyword.hasPrefix("~") {
      return ledger.settle(line.places, .impossible("write the lines that \(keyword.prefix(4)) stands for"))
    } else if keyword.hasPrefix("include"),
      ["include", "includer", "includem", "includew", "includeb", "includea"].contains(keyword)
    {
      return include(line, from: source, depth, &ledger)
    }
    lines.append(line)
  }

  private mutating func include(_ line: KeepalivedLine, from source: SourceFile, _ depth: Int, _ ledger: inout Ledger) {
    guard let pattern = line.tokens.dropFirst().first?.text, line.tokens.count == 2, depth < Self.deepest else {
      return ledger.settle(line.places, .impossible("write the lines of the included file here"))
    }
    let folder = source.path.lastIndex(of: "/").map { String(source.path[...$0]) } ?? ""
    let found = files(pattern.hasPrefix("/") ? pattern : folder + pattern).prefix(max(0, Self.mostFiles - fileCount))
    ledger.settle(
      line.places,
      found.isEmpty
        ? .impossible("there is no such file; the import needs it") : .taken("\(found.count) included files"))
    for file in found { read(file, depth: depth + 1, &ledger) }
  }

  /// The name in `$NAME=VALUE`.
  private static func definedName(_ word: String) -> String? {
    guard word.hasPrefix("$"), let end = word.firstIndex(of: "=") else { return nil }
    let name = word[word.index(after: word.startIndex)..<end]
    let isName = !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    return isName && name.first?.isNumber != true ? String(name) : nil
  }

  /// The lines after the first `=`.
  private static func value(of parts: [[UInt8]]) -> [[UInt8]] {
    guard let first = parts.first, let end = first.firstIndex(of: UInt8(ascii: "=")) else { return [] }
    return [Array(first[(end + 1)...])] + parts.dropFirst()
  }
}
