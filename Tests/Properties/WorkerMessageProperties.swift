import WorkerProtocol

/// What holds for any datagram between supervisor and worker: what reads as a message is written as the same bytes, and
/// reads in one direction only.
package enum WorkerMessageProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let command = try? WorkerCommand(decoding: bytes.span)
    let event = try? WorkerEvent(decoding: bytes.span)
    try require(command == nil || event == nil, "a command that is an event")
    if let command { try require(command.encoded() == bytes, "\(command) is written otherwise") }
    if let event { try require(event.encoded() == bytes, "\(event) is written otherwise") }
  }
}
