/// Why bytes are not what several protocols encode alike.
public enum FieldError: Error, Hashable, Sendable {
  /// They end within it.
  case truncated
  /// The field with this name has an invalid value.
  case invalidField(String)
}
