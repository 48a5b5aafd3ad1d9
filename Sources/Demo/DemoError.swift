/// An error of an example server's connection, or of the whole demo.
package enum DemoError: Error, Equatable, CustomStringConvertible {
  // The peer's fault.
  /// An invalid or excessive request: it is answered with this status and text, then the connection is closed.
  case refused(ExampleAnswer.Status, String)
  /// The connection failed; the reason.
  case broken(String)
  /// The peer has sent and read nothing within the timeout.
  case silent

  // Errors of this program or machine.
  /// The server was stopped.
  case stopped
  /// Something that the demo requires is not available; a message for the user.
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

/// Calls `body`, and throws its error as `.unavailable`.
func needed<Value: ~Copyable, Failure: Error & CustomStringConvertible>(
  _ body: () throws(Failure) -> Value
) throws(DemoError) -> Value {
  do throws(Failure) { return try body() } catch { throw .unavailable(error.description) }
}
