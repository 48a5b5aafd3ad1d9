import Wire

/// The administrator's requests: failover withdraws the node from the election, failback ends that.
struct Withdrawal: Hashable {
  /// Its end; nil: the node is not withdrawn.
  var until: Instant?
  /// The latest time for the answer to a requested failback.
  var failBackUntil: Instant?

  var deadline: Instant? { [until, failBackUntil].compactMap { $0 }.min() }
}
