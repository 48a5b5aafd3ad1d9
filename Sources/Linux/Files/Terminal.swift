import CLinux
import Glibc

/// The terminal that is standard output, for a program that draws the whole screen. Its settings are restored by `end`.
public struct Terminal: ~Copyable {
  /// Those at the start.
  private let settings: termios

  /// Nil if standard output is no terminal.
  public init?() {
    var settings = termios()
    // SAFETY: the call fills the structure.
    guard unsafe tcgetattr(STDOUT_FILENO, &settings) == 0 else { return nil }
    self.settings = settings
  }

  /// Keys are delivered at once and not echoed. Those that send signals keep doing so.
  public func begin() {
    var settings = settings
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
    set(settings)
  }

  /// Restores the settings. Keys that were not read are dropped: they are not meant for the shell.
  public func end() { set(settings, when: TCSAFLUSH) }

  private func set(_ settings: termios, when: Int32 = TCSADRAIN) {
    var settings = settings
    // SAFETY: the call reads the structure.
    _ = unsafe tcsetattr(STDOUT_FILENO, when, &settings)
  }

  /// Its present size; zero where it says none.
  public var size: (columns: Int, rows: Int) {
    var size = winsize()
    // SAFETY: the call fills the structure.
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return (0, 0) }
    return (Int(size.ws_col), Int(size.ws_row))
  }
}
