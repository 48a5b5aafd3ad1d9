/// How queries and path parameters are written to the access log. They contain secrets that allow a session to be taken
/// over, and more people read the log than may have them.
public enum LoggedQueries: String, CaseIterable, Sendable {
  /// Each part is replaced by `~` and eight hexadecimal digits of a keyed hash: equal parts in lines of one worker have
  /// equal digits. `name=` before a value is kept.
  case hash
  /// Everything after the `?` is omitted.
  case cut
  /// They are logged unchanged, and so is a first line that is not a valid request line.
  case full
}
