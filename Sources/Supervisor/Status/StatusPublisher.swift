import Control
import Linux
import Logging
import Wire

/// Sends the status to `belvedere observe` over its socket, as often as the supervisor passes one. Nothing is read from
/// there: the observer can't ask for anything.
///
/// Encoding and sending have a thread of their own. It holds one report at most; one that the observer does not take in
/// time costs the connection.
package final class StatusPublisher: Sendable {
  /// The socket of the packages' unit.
  package static let standardPath = "/run/belvedere-observe.sock"

  /// How often a status is published.
  static let period = Interval.seconds(1)
  /// How long the observer may take nothing.
  private static let timeout = Interval.seconds(5)

  private let path: String
  private let log: Logger
  private let writer: BackgroundWriter<StatusReport?>

  /// `path`: the observer's socket. There need not be one.
  init(to path: String, log: Logger) throws(SystemError) {
    self.path = path
    self.log = log
    writer = try BackgroundWriter(nil)
    try writer.start(name: "observer") { self.run() }
  }

  /// Replaces a report that was not sent yet.
  func publish(_ report: StatusReport) {
    writer.submit { waiting in
      waiting = report
      return true
    }
  }

  private func run() {
    var connection: Descriptor?
    // Why there is none; each reason is logged once.
    var fault: SystemError?
    while true {
      guard let report = writer.next({ $0.take() }) else { continue }
      if connection == nil {
        do throws(SystemError) {
          connection = try LocalSocket.connect(to: path, within: Self.timeout)
          fault = nil
        } catch {
          if fault?.code != error.code { log.notice("observe: reports can't be sent: \(error)") }
          fault = error
        }
      }
      guard let socket = connection.take() else { continue }
      if Self.send(ControlAnswer.status(report).bytes, to: socket) { connection = consume socket }
    }
  }

  /// False when the observer has ended, or is too slow.
  private static func send(_ bytes: [UInt8], to socket: borrowing Descriptor) -> Bool {
    var sent = 0
    while sent < bytes.count {
      guard case .bytes(let count) = Socket.write(socket.number, bytes.span.extracting(sent...)) else { return false }
      sent += count
    }
    return true
  }
}
