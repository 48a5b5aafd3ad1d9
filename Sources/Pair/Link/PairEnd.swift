import Wire

/// Why the connection with another node ended.
package enum PairEnd: Error, Hashable, Sendable, CustomStringConvertible {
  /// This node closes it, after a `leave` message with the reason.
  case leaving(reason: String)
  /// The other node closed it, after a `leave` message with the reason.
  case left(reason: String)
  /// The transport ended.
  case closed(reason: String)
  /// No hello in time.
  case noHello
  /// Nothing was received for this long.
  case silent
  /// Nothing more could be sent for this long.
  case blocked
  /// The other node sent something invalid.
  case invalid(PairError)
  /// The node at the other end is another one.
  case wrongName(String)
  /// The nodes have no protocol version in common.
  case versions(theirs: ClosedRange<UInt16>, release: String)

  /// The reason in the `leave` message; nil: none is sent.
  var message: PairMessage? {
    switch self {
    case .leaving, .invalid, .wrongName, .versions: .leave(reason: description)
    case .left, .closed, .noHello, .silent, .blocked: nil
    }
  }

  package var description: String {
    switch self {
    case .leaving(let reason): reason
    case .left(let reason): "it says: \(reason)"
    case .closed(let reason): reason
    case .noHello: "it did not say hello within \(PairLink.Pace.hello.text)"
    case .silent: "nothing was heard of it for \(PairLink.Pace.silence.text)"
    case .blocked: "it took nothing for \(PairLink.Pace.silence.text)"
    case .invalid(let error): "invalid message: \(error)"
    case .wrongName(let name): "the node at this address has the name \(name): pair.nodes must be the same on all nodes"
    case .versions(let theirs, let release):
      "release \(release) speaks versions \(theirs.lowerBound) to \(theirs.upperBound) of the pair's "
        + "protocol, and the other node \(PairHello.spokenVersions.lowerBound) to \(PairHello.spokenVersions.upperBound)"
    }
  }
}
