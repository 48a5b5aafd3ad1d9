import Wire

/// What determines whether a node takes part in the election, and with which priority.
struct RouterConditions: Sendable {
  var tracked: TrackedPriority
  /// The source address of our advertisements; nil: nothing can be sent.
  var source: IPAddress?
  /// A fault of another virtual router of the group.
  var groupFault: String?

  /// The names of what prevents this node from taking part.
  var faults: [String] { ownFaults + [groupFault].compactMap { $0 } }

  /// The same without the fault of the group.
  var ownFaults: [String] { tracked.faults + (source == nil ? ["no source address"] : []) }
}
