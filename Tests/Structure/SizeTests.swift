import Testing

/// The most lines of a file, Swift or Python.
private let longestFile = 400
/// The most lines of a function, including its signature and its closing bracket.
private let longestFunction = 60
/// The most stored properties of a struct, a class or an actor.
private let mostProperties = 14

/// Types above the limit as `File.Type`, with the reason.
private let largeTypes: [String: String] = [
  // Data: one property for each thing that the operator writes or reads.
  "Service.Service": "the keys of one service in the configuration file, which are as many",
  "StatusReport.StatusReport": "the members of the status report's JSON, which are as many",
  "ServerStatus.Server": "the members of one server's JSON, which are as many",
  "RouterReport.Router": "the members of one virtual router's JSON, which are as many",
  "CertificateFacts.CertificateFacts": "what a certificate says of itself; read once, and nothing in it changes",
  "ServiceSnapshot.ServiceSnapshot": "what one service's settings come to; nothing in it changes",
  "RequestHead.RequestHead": "the ranges of one parsed head: one pass finds all, and each is read on the hot path",
  "SimulatedExchange.SimulatedExchange": "both peers, the worker's part and the tally of one simulated exchange",
]

/// Files with a function above the limit, with the reason.
private let filesWithLongFunctions: [String: String] = [
  "Rejection": "the text of each reason: one switch, in which the compiler misses a new one"
]

@Suite struct `Sizes` {
  private static let swiftFiles = SourceTree.sources + SourceTree.tests

  @Test func `no file is longer than 400 lines without a reason`() {
    let files = Self.swiftFiles.map(\.file) + SourceTree.scripts
    #expect(SourceTree.scripts.count > 20)
    // The text ends with a line break, so the last element of `lines` is empty.
    for file in files where file.lines.count - 1 > longestFile {
      Issue.record("\(file.path) has \(file.lines.count - 1) lines")
    }
  }

  @Test func `no function is longer than 60 lines without a reason`() {
    var files: Set<String> = []
    for file in Self.swiftFiles {
      for function in file.functions where function.count > longestFunction {
        files.insert(file.name)
        let hasReason = filesWithLongFunctions[file.name] != nil
        #expect(hasReason, "\(file.path):\(function.line + 1) has \(function.count) lines")
      }
    }
    for name in Set(filesWithLongFunctions.keys).subtracting(files) { Issue.record("\(name) needs no exception") }
  }

  @Test func `no type has more than 14 stored properties without a reason`() {
    var large: Set<String> = []
    for file in Self.swiftFiles {
      for type in file.types where type.storedProperties.count > mostProperties {
        let name = "\(file.name).\(type.name)"
        large.insert(name)
        let words = type.storedProperties.joined(separator: ", ")
        #expect(largeTypes[name] != nil, "\(name) has \(type.storedProperties.count): \(words)")
      }
    }
    for name in Set(largeTypes.keys).subtracting(large) { Issue.record("\(name) needs no exception") }
  }
}

/// Tests of the parser that the rules use.
@Suite struct `The parser of the rules` {
  private static let file = SourceTree.SwiftFile(
    SourceTree.File(
      path: "Sources/X/Example.swift",
      lines: """
        /// A type.
        @safe
        struct Example: ~Copyable {
          static let limit = 3
          private(set) var first, second: Int
          nonisolated(unsafe) let third: UnsafePointer<Int>
          var fourth = 0 {
            didSet { first = 1 }
          }
          var watched: Int {
            didSet { first = 1 }
          }
          var computed: Int { first }
          let made: Int = {
            let inner = 3
            return inner
          }()

          // SAFETY: the reason, with a brace }
          @inlinable
          func answer(
            to question: String
          ) -> Int where Int: Sendable {
            if question == "{ unsafe" {
              unsafe first()
            } else {
              unsafe second()
            }
          }

          deinit { unsafe free() }
        }
        """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)))

  @Test func `a declaration begins with its comments and ends with its last bracket`() {
    let file = Self.file
    #expect(file.declaration(around: 24) == 18...28)
    #expect(file.declaration(around: 26) == 18...28)
    #expect(file.declaration(around: 30) == 30...30)
    #expect(file.declaration(around: 5) == 5...5)
    #expect(file.declaration(around: 14) == 13...16)
  }

  @Test func `comments and string literals are not code`() {
    #expect(!Self.file.code[18].contains("}") && !Self.file.code[23].containsWord("unsafe"))
  }

  @Test func `the lines of a function include those of its signature`() {
    #expect(Self.file.functions.map(\.line) == [9, 20, 30])
    #expect(Self.file.functions.map(\.count) == [3, 9, 1])
  }

  @Test func `computed and static properties are not stored properties`() {
    let types = Self.file.types
    #expect(types.map(\.name) == ["Example"])
    #expect(types.first?.storedProperties == ["first", "second", "third", "fourth", "watched", "made"])
  }

  @Test func `a doc comment covers a declaration and the one-line ones below it`() {
    let file = SourceTree.SwiftFile(
      SourceTree.File(
        path: "Sources/X/Example.swift",
        lines: """
          package protocol Undocumented {
            mutating func take(_ count: Int) -> Bool
          }

          /// A type.
          @safe
          public struct Example {
            public var property = 0

            public init(property: Int) {
              self.property = property
            }

            public init() { property = 1 }

            /// A function.
            @inline(__always)
            public func first() -> Int { 1 }
            @inline(__always)
            public func second() -> Int { 2 }

            public func third() -> Int { 3 }

            public mutating func take(_ count: Int) -> Bool {
              true
            }
            public static func == (left: Example, right: Example) -> Bool { true }
            func fourth() {}
          }
          """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)))
    #expect(file.requirements == ["func take(_ count: Int) -> Bool"])
    #expect(file.undocumented(requirements: Set(file.requirements)) == [0, 13, 21])
  }
}
