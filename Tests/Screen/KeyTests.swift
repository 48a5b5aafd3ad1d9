import Testing

@testable import Screen

@Suite struct `Keys of a terminal` {
  private func keys(_ text: String) -> [Key] {
    var decoder = KeyDecoder()
    return text.utf8.compactMap { decoder.decode($0) }
  }

  @Test(
    arguments: [
      ("\u{1b}[A", .up), ("\u{1b}[B", .down), ("\u{1b}OA", .up), ("\u{1b}OB", .down), ("\u{1b}[5~", .pageUp),
      ("\u{1b}[6~", .pageDown), ("\u{1b}[H", .start), ("\u{1b}[F", .end), ("\u{1b}OH", .start), ("\u{1b}[1~", .start),
      ("\u{1b}[4~", .end), ("\u{1b}[7~", .start), ("\u{1b}[8~", .end), ("\u{1b}[1;5A", .up),
      ("q", .character(UInt8(ascii: "q"))),
    ] as [(String, Key)])
  func `a sequence of ECMA-48 or of the VT220's keypad is one key`(bytes: String, key: Key) {
    #expect(keys(bytes) == [key])
  }

  @Test(arguments: ["\u{1b}[C", "\u{1b}[15~", "\u{1b}[51~", "\u{1b}[200~", "\u{1b}[11111111111111111111~"])
  func `a key without a meaning is dropped with all its bytes, and the next one counts`(bytes: String) {
    #expect(keys(bytes + "\u{1b}[Bq").suffix(2) == [.down, .character(UInt8(ascii: "q"))])
    #expect(keys(bytes).isEmpty)
  }

  @Test func `an escape key alone does not take the next key with it`() {
    #expect(keys("\u{1b}\u{1b}[A") == [.up])
    #expect(keys("\u{1b}q") == [.character(UInt8(ascii: "q"))])
  }
}
