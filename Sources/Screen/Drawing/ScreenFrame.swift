import Control

/// What is written to a terminal (ECMA-48, and the private modes of xterm that every terminal of today has).
package enum ScreenFrame {
  /// Turns to the alternate screen, hides the cursor, and cuts lines that are too long: characters may be wider than
  /// one column.
  package static let begin = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l"
  /// Undoes it, in the opposite order.
  package static let end = "\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"

  /// Overwrites each line. It is erased before its text and not after: without wrapping, the cursor stays on the last
  /// column of a full line, which would be erased too.
  package static func text(_ lines: [PageLine], isColoured: Bool) -> String {
    "\u{1b}[H" + lines.map { "\u{1b}[2K" + $0.rendered(isColoured: isColoured) }.joined(separator: "\r\n")
  }
}
