import Simulation
import Testing

@testable import Control

private func parse(_ text: String) throws(JSONError) -> JSON {
  let bytes = Array(text.utf8)
  return try JSON(parsing: bytes.span)
}

private let values: [(String, JSON)] = [
  ("null", .null), ("true", .bool(true)), (" false\n", .bool(false)), ("0", .integer(0)), ("-7", .integer(-7)),
  ("9223372036854775807", .integer(.max)), ("9223372036854775808", .decimal(9_223_372_036_854_775_808)),
  ("1.5", .decimal(1.5)), ("2e3", .decimal(2000)), ("-0.25E-1", .decimal(-0.025)), ("\"\"", .string("")),
  ("\"a\\n\\\"\\\\\\/\\u00e9\\ud83d\\ude00é\"", .string("a\n\"\\/é😀é")), ("[]", .array([])),
  ("[ 1 , [ 2 ] ]", .array([.integer(1), .array([.integer(2)])])), ("{}", .object([])),
  ("{ \"a\" : 1 , \"b\" : {} }", .object([.init("a", .integer(1)), .init("b", .object([]))])),
]

private let refusals: [(String, JSONError)] = [
  ("", .truncated), (" ", .truncated), ("tru", .truncated), ("trux", .unexpected(at: 3)), ("nul1", .unexpected(at: 3)),
  ("1 2", .unexpected(at: 2)), ("01", .unexpected(at: 1)), ("-", .truncated), ("+1", .unexpected(at: 0)),
  (".5", .unexpected(at: 0)), ("1.", .truncated), ("1.e", .unexpected(at: 2)), ("1e", .truncated),
  ("1e999", .numberOutOfRange(at: 0)), ("\"a", .truncated), ("\"\n\"", .unexpected(at: 1)),
  ("\"\\x\"", .unexpected(at: 2)), ("\"\\u12g4\"", .unexpected(at: 5)), ("\"\\ud800\"", .unexpected(at: 7)),
  ("\"\\udc00\"", .unexpected(at: 3)), ("\"\\ud800\\u0041\"", .unexpected(at: 3)), ("[1,]", .unexpected(at: 3)),
  ("[1 2]", .unexpected(at: 3)), ("[", .truncated), ("{\"a\"}", .unexpected(at: 4)), ("{a:1}", .unexpected(at: 1)),
  ("{\"a\":1,}", .unexpected(at: 7)), ("{\"a\":1,\"a\":2}", .duplicate("a")), ("{\"a\":1", .truncated),
  ("'a'", .unexpected(at: 0)), ("NaN", .unexpected(at: 0)), ("[1]]", .unexpected(at: 3)), ("//\n1", .unexpected(at: 0)),
  (String(repeating: "[", count: 17) + String(repeating: "]", count: 17), .tooDeep),
]

@Suite struct `The JSON codec` {
  @Test(arguments: values)
  func `a text is read as its value (RFC 8259)`(text: String, value: JSON) throws {
    #expect(try parse(text) == value)
    #expect(try parse(value.text) == value)
  }

  @Test(arguments: refusals)
  func `what is no JSON is refused where it stops being JSON`(text: String, error: JSONError) {
    #expect(throws: error) { try parse(text) }
  }

  @Test func `bytes that are no UTF-8 are refused in a string`() {
    for bytes in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]] as [[UInt8]] {
      let text = [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")]
      #expect(throws: JSONError.unexpected(at: 0)) { try JSON(parsing: text.span) }
    }
  }

  @Test func `a value nested as deep as may be is read`() throws {
    let deep = String(repeating: "[", count: 16) + String(repeating: "]", count: 16)
    #expect(try parse(deep).text == deep)
  }

  @Test func `what a terminal would obey is written as an escape`() {
    let text = JSON.string("\u{1b}[2J\u{7}\u{7f}\u{9b}\u{2028}\r\n\t\"\\").text
    #expect(text == #""\u001b[2J\u0007\u007f\u009b\u2028\r\n\t\"\\""#)
  }

  @Test func `an object has the members that are not nil, in their order`() {
    let object = JSON.members(["b": .integer(1), "a": nil, "c": .null])
    #expect(object.text == #"{"b":1,"c":null}"#)
    #expect(object["b"] == .integer(1))
    #expect(object["a"] == nil)
    #expect(JSON.integer(1)["b"] == nil)
  }

  @Test func `whatever bytes come, what is read is written and read again alike`() {
    let seed: UInt64 = 20_261_122
    var random = SeededGenerator(seed: seed)
    let seeds = values.map { Array($0.0.utf8) } + refusals.map { Array($0.0.utf8) }
    for _ in 0..<40_000 {
      var bytes = seeds[Int(random.next() % UInt64(seeds.count))]
      for _ in 0..<random.next() % 4 { mutate(&bytes, &random) }
      guard let value = try? JSON(parsing: bytes.span) else { continue }
      #expect((try? parse(value.text)) == value, "seed \(seed): \(bytes)")
    }
  }
}

/// Changes, removes, inserts or cuts at one place.
func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
  let position = Int(random.next() % UInt64(bytes.count + 1))
  let alphabet = Array(#"{}[]",:\u0123456789abcdefn.-+eE "#.utf8)
  let byte =
    random.next() % 2 == 0
    ? alphabet[Int(random.next() % UInt64(alphabet.count))] : UInt8(truncatingIfNeeded: random.next())
  switch random.next() % 4 {
  case 0 where position < bytes.count: bytes[position] = byte
  case 1 where position < bytes.count: bytes.remove(at: position)
  case 2: bytes.insert(byte, at: position)
  default: bytes = Array(bytes.prefix(position))
  }
}
