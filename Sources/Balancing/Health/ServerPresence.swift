/// Whether existing connections to a server that takes no new clients can continue; later cases are worse.
public enum ServerPresence: Comparable, CaseIterable, Sendable {
  /// It answers, or may answer.
  case present
  /// It is down, and `fall` consecutive checks got no answer: requests that can be rerouted are.
  case silent
  /// Its connections can't continue.
  case lost
}
