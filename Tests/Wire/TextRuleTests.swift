import Testing
import Wire

@Suite struct `Rules of text` {
  @Test func `bytes are two hexadecimal digits each, decoded in either case`() {
    #expect(Hexadecimal.text([0, 0x0f, 0xa0, 0xff]) == "000fa0ff")
    #expect(Hexadecimal.text([1, 2], separator: ":") == "01:02")
    #expect(Hexadecimal.bytes(Array("000FA0ff".utf8)) == [0, 0x0f, 0xa0, 0xff])
    for text in ["0", "0g", "00 ", "０0"] { #expect(Hexadecimal.bytes(Array(text.utf8)) == nil) }
  }

  @Test(arguments: [
    ("plain é ✂", "plain é ✂"), ("a\u{1b}[31m", #"a\u{1b}[31m"#), ("\u{0}\u{7f}\u{9b}", #"\u{0}\u{7f}\u{9b}"#),
    ("\u{2028}\u{202e}", #"\u{2028}\u{202e}"#), ("a\nb\r\tc", "a\nb\\r\\tc"),
  ])
  func `control characters of a terminal are escaped, except those to be kept`(text: String, shown: String) {
    #expect(text.escapingControls(except: ["\n"]) == shown)
  }

  @Test(arguments: ["view", "view.domain.local", "under_score", "a-b.c1"])
  func `a host name has labels of letters, digits, hyphens and underscores`(name: String) {
    #expect(HostName.isValid(name))
  }

  @Test(arguments: ["", ".", "a..b", "a b", "-a", "a-", "192.0.2.300", "ä", "a:1", "*.a", "a\0"])
  func `other text is no host name`(name: String) { #expect(!HostName.isValid(name)) }
}
