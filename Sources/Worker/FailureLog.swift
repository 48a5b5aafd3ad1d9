import Logging
import Wire

/// Says that servers fail, and what clients were cut off for, without saying it for every request: once for each server
/// and interval, and once for all clients, with the number of failures that were not told.
struct FailureLog {
  /// Between two lines about one server.
  static let interval = Interval.seconds(5)

  private struct Entry {
    var nextLine = Instant(nanoseconds: 0)
    var untold: UInt64 = 0

    /// How many have not been told since the last line; nil when it is too early for another.
    mutating func take(at now: Instant) -> UInt64? {
      guard now >= nextLine else {
        untold += 1
        return nil
      }
      defer { self = Entry(nextLine: now + FailureLog.interval) }
      return untold
    }
  }

  private let log: Logger
  private var entries: [Entry]
  private var clients = Entry()

  init(servers: Int, log: Logger) {
    self.log = log
    entries = Array(repeating: Entry(), count: servers)
  }

  /// Notes a failure at a server, by index, and tells it when the time has come.
  mutating func note(_ server: Int, _ name: String, _ reason: @autoclosure () -> String, at now: Instant) {
    guard let untold = entries[server].take(at: now) else { return }
    let more = untold == 0 ? "" : " (and \(untold) failures more since the last line)"
    log.warning("server \(name): \(reason())\(more)", metadata: ["server": "\(name)"])
  }

  /// Notes what a client was cut off for, and tells it when the time has come.
  mutating func note(client: Endpoint, _ reason: @autoclosure () -> String, at now: Instant) {
    guard let untold = clients.take(at: now) else { return }
    let more = untold == 0 ? "" : " (and \(untold) clients more since the last line)"
    log.warning("client \(client) is cut off: \(reason())\(more)", metadata: ["client": "\(client.address)"])
  }
}
