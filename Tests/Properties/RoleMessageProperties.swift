import WorkerProtocol

/// What holds for any datagram between supervisor and worker: what reads as a message is written as the same bytes, and
/// reads in one direction only.
package enum RoleMessageProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let order = try? WorkerCommand(decoding: bytes.span)
    let fact = try? WorkerEvent(decoding: bytes.span)
    try require(order == nil || fact == nil, "an order that is a fact")
    if let order { try require(order.encoded() == bytes, "\(order) is written otherwise") }
    if let fact { try require(fact.encoded() == bytes, "\(fact) is written otherwise") }
  }
}
