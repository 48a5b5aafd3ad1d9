import Simulation
import Testing
import Wire

@testable import Control

private func read(_ text: String) throws(ControlFault) -> [String: [String]] { try JSONText.read(Array(text.utf8)) }

@Suite struct `JSON texts` {
  @Test func `control characters of a terminal are escaped`() throws {
    let value = "\u{1b}[2J\u{7}\u{7f}\u{9b}\u{2028}\u{202e}\u{e0001}\r\n\t\"\\/é"
    let text = JSONText.write([value])
    #expect(text == #"["\u001b[2J\u0007\u007f\u009b\u2028\u202e\udb40\udc01\r\n\t\"\\/é"]"#)
    let again: [String] = try JSONText.read(Array(text.utf8))
    #expect(again == [value])
  }

  @Test(
    arguments: [
      "", " ", "tru", "nul", "{", "[", "{\"a\"}", "{a:[]}", "{\"a\":[]} x", "{\"a\":[],,}", "{\"a\":[\"\u{1}\"]}",
      #"{"a":["\x"]}"#, #"{"a":["\ud800"]}"#, #"{"a":["\u12g4"]}"#, "NaN", "//\n{}", "'a'", "[]", "5", "1e999",
      // Foundation traps at the brackets of these two, which are the last bytes and nested too deeply.
      String(repeating: "[", count: 513), "{\"a\":" + String(repeating: "[", count: 512),
      "{\"a\":[\"\0\"]}", String(repeating: "[", count: 17) + String(repeating: "]", count: 17),
      String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
    ])
  func `a text that is no JSON object is refused`(text: String) {
    #expect(throws: ControlFault.malformed) { try read(text) }
  }

  /// Foundation traps if these are decoded as integers.
  @Test(
    arguments: [
      "1" + String(repeating: "0", count: 200) + "e-184", "0." + String(repeating: "0", count: 129) + "1e146",
    ],
    ["version", "seconds", "weight"])
  func `numbers with very many digits are refused`(number: String, name: String) {
    var members = ["version": "1", "command": "\"failover\""]
    members[name] = number
    let line = "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    #expect(throws: ControlFault.malformed) { try ControlRequest(parsing: Array(line.utf8)) }
  }

  @Test func `brackets in a string are not structure`() throws {
    let inside = String(repeating: "[", count: 20) + String(repeating: "0", count: 40)
    #expect(try read(#"{"a":["\""# + inside + #"\\"]}"#) == ["a": ["\"" + inside + "\\"]])
  }

  @Test func `invalid UTF-8 is refused`() {
    for bytes in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]] as [[UInt8]] {
      #expect(throws: ControlFault.self) {
        let _: [String: [String]] = try JSONText.read(Array(#"{"a":[""#.utf8) + bytes + Array(#""]}"#.utf8))
      }
    }
  }

  @Test func `of a duplicate name one value counts`() throws {
    #expect(try read(#"{"a":["1"],"a":["2"]}"#).count == 1)
  }
}

/// Changes, removes or inserts a byte at one place, or truncates there.
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
