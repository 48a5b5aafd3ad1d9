import Logging
import Wire

/// Says that servers fail, that this machine has not got what a connection to them takes, and what clients were cut off
/// for, without saying it for every request: once for each server, kind and interval, and once for all clients, with the
/// number of failures that were not told.
struct FailureLog {
  enum Kind: Hashable {
    case ofServer
    /// This machine has run out of something; the server may be as well as ever.
    case shortage
  }

  private enum Topic: Hashable {
    case server(Int, Kind, port: UInt16?)
    case clients
  }

  private let log: Logger
  private var limiter = LogRateLimiter<Topic>(every: .seconds(5))

  init(log: Logger) { self.log = log }

  /// Notes a failure at a server, by index, and logs it if that is due. `port`: another one than the server's own.
  mutating func note(
    _ server: Int, _ name: String, port: UInt16? = nil, _ kind: Kind, _ reason: @autoclosure () -> String,
    at now: Instant
  ) {
    guard let untold = limiter.take(.server(server, kind, port: port), at: now) else { return }
    let place = port.map { "\(name), port \($0)" } ?? name
    let more = untold == 0 ? "" : " (and \(untold) failures more since the last line)"
    let metadata: Logger.Metadata = ["server": "\(name)"]
    switch kind {
    case .ofServer: log.warning("server \(place): \(reason())\(more)", metadata: metadata)
    case .shortage:
      log.warning("this machine has run out of what server \(place) takes: \(reason())\(more)", metadata: metadata)
    }
  }

  /// Notes what a client was cut off for, and tells it when the time has come.
  mutating func note(client: Endpoint, _ reason: @autoclosure () -> String, at now: Instant) {
    guard let untold = limiter.take(.clients, at: now) else { return }
    let more = untold == 0 ? "" : " (and \(untold) clients more since the last line)"
    log.warning("client \(client) is disconnected: \(reason())\(more)", metadata: ["client": "\(client.address)"])
  }
}
