/// How a peer's stream ended.
public enum StreamEnd: Hashable, Sendable {
  /// Orderly: close_notify, or FIN without TLS.
  case closed
  /// Without close_notify, or with an error: the stream may have been truncated by an attacker.
  case cut
  /// Closed by us: too many TLS messages without application data.
  case flooded
}
