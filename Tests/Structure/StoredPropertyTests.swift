import Testing

/// Types with more than 14 stored properties, each with the reason why they are one thing all the same.
private let largeTypes: [String: String] = [:]

/// The targets whose types are counted.
private let countedTargets: Set = ["Supervisor"]

@Suite struct `Types that hold state` {
  @Test func `no type has more than 14 stored properties without a reason`() {
    var large: Set<String> = []
    for file in SourceTree.sources where countedTargets.contains(file.target) {
      for (name, count) in storedProperties(in: file) where count > 14 {
        large.insert(name)
        #expect(largeTypes[name] != nil, "\(file.path): \(name) has \(count)")
      }
    }
    for name in largeTypes.keys { #expect(large.contains(name), "\(name) needs no exception") }
  }

  @Test func `stored properties are told from computed ones, and a type's own from those of types within it`() {
    let lines = """
      struct Outer: ~Copyable {
        static let limit = 3
        let first: Int
        package private(set) var second = [1, 2]
        var third: Int { 3 }
        var fourth = 4 { didSet { first() } }
        struct Inner {
          var only: Int
        }
        var fifth: Int {
          let local = 5
          return local
        }
      }
      """.split(separator: "\n").map(String.init)
    let counts = storedProperties(in: SourceTree.File(path: "Sources/Wire/Outer.swift", lines: lines))
    #expect(counts == ["Outer": 3, "Inner": 1])
  }
}

/// How many properties each struct and class of a file stores.
private func storedProperties(in file: SourceTree.File) -> [String: Int] {
  var counts: [String: Int] = [:]
  var open: [(name: String, depth: Int)] = []
  var depth = 0
  for line in file.code {
    let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
    if let type = open.last, depth == type.depth + 1, isStoredProperty(line, words) {
      counts[type.name, default: 0] += 1
    }
    if let kind = words.firstIndex(where: { ["struct", "class", "enum", "extension"].contains($0) }),
      line.contains("{"), words.count > kind + 1
    {
      open.append((words[kind + 1], depth))
    }
    depth += line.count { $0 == "{" } - line.count { $0 == "}" }
    while let type = open.last, depth <= type.depth { open.removeLast() }
  }
  return counts
}

private func isStoredProperty(_ line: String, _ words: [String]) -> Bool {
  guard let start = words.firstIndex(where: { $0 == "let" || $0 == "var" }), !words.contains("static"),
    words[..<start].allSatisfy({ ["package", "public", "private", "fileprivate", "set"].contains($0) })
  else { return false }
  guard let brace = line.firstIndex(of: "{") else { return true }
  // What stands before the accessors of a stored property is its first value.
  return line[..<brace].contains("=")
}
