/// What is written of queries and path parameters in the access log. They hold what a session can be taken over with, and
/// more people read a log than that is for.
public enum LoggedQueries: String, CaseIterable, Sendable {
  /// Each part is replaced by `~` and eight hexadecimal digits of a keyed hash: lines of one worker that have the same
  /// part have the same digits. `name=` in front of a value stays.
  case hash
  /// Nothing behind the `?` is written.
  case cut
  /// They stand as they came, and so does a first line that is no request line.
  case full
}
