/// What goes wrong with an example server's connection, or with the demonstration as a whole.
package enum DemoError: Error, Equatable, CustomStringConvertible {
  // The peer's fault.
  /// A request that is not understood or asks for too much: answered with this status and these words, then the
  /// connection is closed.
  case refused(ExampleAnswer.Status, String)
  /// The connection failed; in words.
  case broken(String)
  /// The peer said and took nothing for as long as it may.
  case silent

  // Ours, or the machine's.
  /// The server was told to stop.
  case stopped
  /// Something that the demonstration can't do without is not to be had; in words for the person who started it.
  case unavailable(String)

  package var description: String {
    switch self {
    case .refused(let status, let reason): "\(status.code) \(status.phrase): \(reason)"
    case .broken(let reason): reason
    case .silent: "the peer was silent for too long"
    case .stopped: "the server was stopped"
    case .unavailable(let reason): reason
    }
  }
}

/// Does `body`; its failure is that something which the demonstration can't do without is not to be had.
func needed<Value: ~Copyable, Failure: Error & CustomStringConvertible>(
  _ body: () throws(Failure) -> Value
) throws(DemoError) -> Value {
  do throws(Failure) { return try body() } catch { throw .unavailable(error.description) }
}
