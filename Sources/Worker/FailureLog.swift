import Logging
import Wire

/// Says that servers fail, without saying it for every request: once for each server and interval, with the number of
/// failures that were not told.
struct FailureLog {
  /// Between two lines about one server.
  static let interval = Interval.seconds(5)

  private struct Entry {
    var nextLine = Instant(nanoseconds: 0)
    var untold: UInt64 = 0
  }

  private let log: Logger
  private var entries: [Entry]

  init(servers: Int, log: Logger) {
    self.log = log
    entries = Array(repeating: Entry(), count: servers)
  }

  /// Notes a failure at a server, by index, and tells it when the time has come.
  mutating func note(_ server: Int, _ name: String, _ reason: @autoclosure () -> String, at now: Instant) {
    guard now >= entries[server].nextLine else {
      entries[server].untold += 1
      return
    }
    let untold = entries[server].untold
    entries[server] = Entry(nextLine: now + FailureLog.interval)
    let more = untold == 0 ? "" : " (and \(untold) failures more since the last line)"
    log.warning("server \(name): \(reason())\(more)", metadata: ["server": "\(name)"])
  }
}
