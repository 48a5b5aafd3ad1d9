/// Whether existing connections to a server that takes no new clients can continue; later cases are worse.
public enum ServerPresence: Comparable, CaseIterable, Sendable {
  /// It answers, or may.
  case present
  /// It is down, and `fall` checks in a row got no answer: what can go elsewhere does.
  case silent
  /// Nothing there can go on.
  case lost
}
