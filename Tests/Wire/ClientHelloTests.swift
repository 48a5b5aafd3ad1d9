import Foundation
import Testing
import Wire

/// The server name of ClientHellos in the fuzzer's corpus.
@Suite struct ClientHelloTests {
  private static func read(_ name: String) throws -> [UInt8] {
    let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fuzz/Corpus/client-hello")
    return [UInt8](try Data(contentsOf: corpus.appending(path: name)))
  }

  private static func parse(_ bytes: [UInt8]) -> ClientHello.Reading { ClientHello.parse(bytes.span) }

  @Test(arguments: [
    ("tls13", "view.test"), ("tls12", "cards.domain.local"), ("records-of-seven", "view.test"),
    ("records-of-one", "a.test"), ("large", "view.test"), ("other-type-first", "view.test"),
    ("longest-name", String(repeating: "a", count: 255)), ("twice", "first.test"),
  ])
  func `the name is found however the hello is split`(file: String, name: String) throws {
    #expect(Self.parse(try Self.read(file)) == .name(Array(name.utf8)))
  }

  @Test(arguments: [
    "without-name", "no-extensions", "empty-name", "long-name", "extension-beyond", "list-beyond", "session-beyond",
    "empty-record", "alert", "http", "server-hello", "too-large",
  ])
  func `a hello without a name, and bytes that are no hello, have none`(file: String) throws {
    #expect(Self.parse(try Self.read(file)) == .nameless)
  }

  @Test func `an incomplete hello is waited for`() throws {
    let hello = try Self.read("tls13")
    for count in 0..<hello.count { #expect(Self.parse(Array(hello[..<count])) == .incomplete) }
    #expect(Self.parse(try Self.read("half")) == .incomplete)
  }
}
