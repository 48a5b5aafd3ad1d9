import WorkerProtocol

/// Properties of any datagram between supervisor and worker: bytes that decode to a message are its encoding, and
/// decode in one direction only.
package enum WorkerMessageProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let command = try? WorkerCommand(decoding: bytes.span)
    let event = try? WorkerEvent(decoding: bytes.span)
    try require(command == nil || event == nil, "a command that is an event")
    if let command { try require(command.encoded() == bytes, "\(command) is written otherwise") }
    if let event { try require(event.encoded() == bytes, "\(event) is written otherwise") }
  }
}
