/// What a server that takes nobody is to those who are there, for the worse in this order.
public enum ServerPresence: Comparable, CaseIterable, Sendable {
  /// It answers, or may.
  case present
  /// It is down, and `fall` checks in a row got no answer: what can go elsewhere does.
  case silent
  /// Nothing there can go on.
  case lost
}
