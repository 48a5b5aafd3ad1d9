import Logging
import Wire

/// Says that servers fail, that this machine has not got what a connection to them takes, and what clients were cut off
/// for, without saying it for every request: once for each server, kind and interval, and once for all clients, with the
/// number of failures that were not told.
struct FailureLog {
  enum Kind {
    case ofServer
    /// This machine has run out of something; the server may be as well as ever.
    case shortage
  }

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
  /// Of servers' failures, then of shortages.
  private var entries: [Entry]
  private var clients = Entry()

  init(servers: Int, log: Logger) {
    self.log = log
    entries = Array(repeating: Entry(), count: 2 * servers)
  }

  /// Notes a failure at a server, by index, and tells it when the time has come.
  mutating func note(_ server: Int, _ name: String, _ kind: Kind, _ reason: @autoclosure () -> String, at now: Instant)
  {
    let index = kind == .ofServer ? server : entries.count / 2 + server
    guard let untold = entries[index].take(at: now) else { return }
    let more = untold == 0 ? "" : " (and \(untold) failures more since the last line)"
    let metadata: Logger.Metadata = ["server": "\(name)"]
    switch kind {
    case .ofServer: log.warning("server \(name): \(reason())\(more)", metadata: metadata)
    case .shortage:
      log.warning("this machine has run out of what server \(name) takes: \(reason())\(more)", metadata: metadata)
    }
  }

  /// Notes what a client was cut off for, and tells it when the time has come.
  mutating func note(client: Endpoint, _ reason: @autoclosure () -> String, at now: Instant) {
    guard let untold = clients.take(at: now) else { return }
    let more = untold == 0 ? "" : " (and \(untold) clients more since the last line)"
    log.warning("client \(client) is disconnected: \(reason())\(more)", metadata: ["client": "\(client.address)"])
  }
}
