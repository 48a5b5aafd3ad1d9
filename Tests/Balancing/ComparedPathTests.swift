import Simulation
import Testing
import Wire

@testable import Balancing

private func form(_ path: String) -> String? {
  guard let compared = ComparedPath(Array(path.utf8).span) else { return nil }
  return compared.text
}

private func isWithin(_ path: String, _ rule: String) -> Bool? {
  guard let compared = ComparedPath(Array(path.utf8).span) else { return nil }
  return compared.isWithin(Array(rule.utf8).span)
}

@Suite struct `A path as rules compare it` {
  @Test(arguments: [
    ("/admin", "/admin"), ("/admin/", "/admin"), ("/", ""), ("", ""), ("*", "/*"),
    ("/Admin", "/admin"), ("/ADMIN/Users", "/admin/users"), ("/%61dmin", "/admin"), ("/%41%64MIN", "/admin"),
    ("/admin//x", "/admin/x"),
    ("/admin;jsessionid=1", "/admin"), ("/admin;a=1/x", "/admin/x"), ("/;a/admin", "/admin"),
    ("/admin%3Bx/y", "/admin/y"), ("/admin;%2e", "/admin"), ("/admin::$DATA", "/admin"), ("/admin%3Ax", "/admin"),
    ("/admin.", "/admin"), ("/admin%20/x", "/admin/x"), ("/admin. ./x", "/admin/x"), ("/.admin", "/.admin"),
    ("/a.b/c d", "/a.b/c d"), ("/...admin", "/...admin"), ("/admin~", "/admin~"), ("/~user", "/~user"),
  ])
  func `has one form`(path: String, expected: String) {
    #expect(form(path) == expected)
  }

  @Test(arguments: [
    "/.", "/..", "/admin/..", "/x/../admin", "/./admin", "/x/.%2e/admin", "/x/%2E%2e/admin", "/..;/admin",
    "/..;a=1/admin", "/...", "/%20", "/. /admin", "/admin/..%20",
    "/x%2fadmin", "/%2Fadmin", "/x%5cadmin", "/x\\admin", "/%2561dmin", "/x%3Fadmin", "/x%23", "/admin%00", "/a%0d%0a",
    "/a%7f", "/adm%C4%B1n", "/%c0%af", "/%ef%bc%a1", "/adm\u{131}n", "/%", "/%4", "/%4g", "/%g1", "/x%", "/admin~1",
    "/view-c~1/x", "//admin", "//x/admin", "///", "/admin~%31", "/admin%7E1", "/admin%7e%31",
  ])
  func `has none if servers may understand it in different ways`(path: String) {
    #expect(form(path) == nil)
  }

  @Test(arguments: [
    ("/admin", "/admin", true), ("/admin/x", "/admin", true), ("/administrator", "/admin", false),
    ("/adm", "/admin", false), ("/x/admin", "/admin", false), ("/admin/x", "/admin/x", true),
    ("/admin", "/admin/x", false), ("/", "/admin", false),
  ])
  func `is within a rule's path at a segment's end`(path: String, rule: String, expected: Bool) {
    #expect(isWithin(path, rule) == expected)
  }

  @Test func `of any length is compared with the longest rule`() {
    let rule = "/" + String(repeating: "a", count: ComparedPath.longestRule - 1)
    for count in 0...200 {
      #expect(isWithin(rule + String(repeating: ".", count: count), rule) == true)
      #expect(isWithin(rule + String(repeating: "%20", count: count) + "/x", rule) == true)
      #expect(isWithin(rule + String(repeating: ".", count: count) + "b", rule) == false)
      #expect(isWithin(rule + "/" + String(repeating: "b", count: count), rule) == true)
      #expect(isWithin("/" + String(repeating: ";", count: count) + rule, rule) == (count > 0 ? true : nil))
    }
    #expect(form(rule) == rule && form(rule + "a") == nil)
  }

  /// Spellings that servers decode to the same path have the same form, or none.
  @Test(arguments: 0..<500 as Range<UInt64>)
  func `is the same for every spelling`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var spelling = ""
    for character in "/admin/users" {
      switch (character, UInt8.random(in: 0..<6, using: &random)) {
      case ("/", 0) where !spelling.isEmpty: spelling += "//"
      case ("/", 1) where !spelling.isEmpty: spelling += ";p=\(seed)/"
      case ("/", 2) where !spelling.isEmpty: spelling += ". ./".replacing(" ", with: "%20")
      case ("/", _): spelling += "/"
      case (_, 0): spelling += character.uppercased()
      case (_, 1): spelling += "%" + String(character.asciiValue ?? 0, radix: 16)
      case (_, 2): spelling += "%" + String((character.asciiValue ?? 0) & ~0x20, radix: 16, uppercase: true)
      default: spelling.append(character)
      }
    }
    #expect(form(spelling) == "/admin/users", "\(spelling)")
  }

  @Test(arguments: 0..<500 as Range<UInt64>)
  func `of any bytes has a form or none`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("/%.;:~ aA0192efF\\?\u{e9}".utf8) + [0, 0xff, 0x7f]
    let bytes = (0..<Int.random(in: 0..<300, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
    guard let compared = ComparedPath(bytes.span), let text = compared.text else { return }
    #expect(text.isEmpty || text.hasPrefix("/"))
    #expect(!text.contains("//") && !text.contains("/.."))
  }
}

@Suite struct `Rules of access` {
  private static let inside: IPAddress = IPAddress(v4: 0x0a00_0001)
  private static let outside: IPAddress = IPAddress(v4: 0xc000_0201)

  private static func rules(deny: [IPPrefix] = [], _ paths: [(String, NetworkTable)]) -> AccessRules {
    AccessRules(service: NetworkTable(allow: [], deny: deny), paths: paths.map { (path: $0.0, networks: $0.1) })
  }

  private static let internalOnly = IPPrefix(containing: inside, length: 8).map { NetworkTable(allow: [$0], deny: []) }
  private static let open = NetworkTable(allow: [], deny: [])

  private static func refusal(_ rules: AccessRules, _ client: IPAddress, _ path: String) -> AccessRules.Refusal? {
    rules.refusal(of: client, path: Array(path.utf8).span)
  }

  @Test(arguments: [
    ("/", AccessRules.Refusal?.none), ("/portal", nil), ("/admin", .path(1)),
    ("/admin/users", .path(1)), ("/admin/public", nil), ("/admin/public/x", nil),
    ("/admin/publicity", .path(1)), ("/rest", .path(2)), ("/portal/../admin", .ambiguousPath),
  ])
  func `decide by the most specific path`(path: String, expected: AccessRules.Refusal?) throws {
    let only = try #require(Self.internalOnly)
    let rules = Self.rules([("/admin/public", Self.open), ("/admin", only), ("/rest", only)])
    #expect(Self.refusal(rules, Self.outside, path) == expected)
    #expect(Self.refusal(rules, Self.inside, path) == nil)
  }

  /// Parameters alone make a path one that is not plain, and mean nothing.
  @Test(arguments: 0..<500 as Range<UInt64>)
  func `decide a plain path like every other`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let only = try #require(Self.internalOnly)
    let rules = Self.rules([("/a", only), ("/a.b", only), ("/ab/a-b", only)])
    let alphabet = Array("/////aAbB.-")
    for _ in 0..<20 {
      let path =
        "/"
        + String((0..<Int.random(in: 0..<8, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
      let refusal = Self.refusal(rules, Self.outside, path)
      #expect(refusal == Self.refusal(rules, Self.outside, path + ";"), "\(path)")
      if Array(path.utf8).span.isPlainPath { #expect(refusal != .ambiguousPath, "\(path)") }
    }
  }

  @Test(arguments: 0..<500 as Range<UInt64>)
  func `take the same paths for plain by words as octet by octet`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("/./.abcxyzAZ019-_@~%`{:;[\u{e9}".utf8) + [0, 0x80, 0xff]
    for _ in 0..<40 {
      // Mostly plain ones.
      let letters = UInt8.random(in: 0..<3, using: &random) == 0 ? alphabet.count : 12
      let path =
        [UInt8(ascii: "/")]
        + (0..<Int.random(in: 0..<40, using: &random)).map { _ in alphabet[Int.random(in: 0..<letters, using: &random)]
        }
      #expect(path.span.isPlainPath == path.span.isPlainOctetwise, "\(path)")
    }
  }

  @Test func `of a path admit no client that the service refuses`() throws {
    let network = try #require(IPPrefix(containing: Self.outside, length: 24))
    let rules = Self.rules(deny: [network], [("/portal", Self.open)])
    #expect(!rules.allows(Self.outside) && rules.allows(Self.inside))
    #expect(Self.refusal(rules, Self.outside, "/portal") == .service)
    #expect(Self.refusal(rules, Self.outside, "/a/../b") == .service)
  }

  /// The server may take any other spelling for a path beside the exception.
  @Test(arguments: [
    "/admin/public:secret", "/admin/public%3Bfoo/x", "/admin/PUBLIC", "/admin/public.", "/admin/public%20/x",
    "/admin/public;x", "/Admin/public", "/admin//public", "/admin/publi%63",
  ])
  func `let an exception hold in its exact spelling only`(path: String) throws {
    let rules = Self.rules([("/admin/public", Self.open), ("/admin", try #require(Self.internalOnly))])
    #expect(Self.refusal(rules, Self.outside, "/admin/public/x") == nil)
    #expect(Self.refusal(rules, Self.outside, path) == .path(1))
    #expect(Self.refusal(rules, Self.inside, path) == nil)
  }

  @Test func `refuse an unknown client where they refuse any`() throws {
    let rules = Self.rules([("/admin", try #require(Self.internalOnly))])
    #expect(rules.allows(nil))
    #expect(rules.refusal(of: nil, path: Array("/".utf8).span) == nil)
    #expect(rules.refusal(of: nil, path: Array("/admin".utf8).span) == .path(0))
    let network = try #require(IPPrefix(containing: Self.outside, length: 24))
    #expect(!Self.rules(deny: [network], []).allows(nil))
  }

  @Test func `without paths leave every path to the service`() {
    #expect(Self.refusal(Self.rules([]), Self.outside, "/a/../b%00") == nil)
  }
}
