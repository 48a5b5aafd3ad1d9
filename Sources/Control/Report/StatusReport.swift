import Domain
import Wire

/// A service as it stands at one moment: what `belvedere status` shows, and docs/control.md documents. Its JSON has the
/// properties as members; those that a reader does not know are skipped, so that an older command can read a newer service.
package struct StatusReport: Codable, Hashable, Sendable {
  /// What the supervisor is at.
  package enum State: String, Codable, Sendable, CaseIterable {
    /// The first worker has not been ready yet, or a worker that died is being replaced at once.
    case starting
    case serving
    /// Workers keep dying; the next one starts in a moment.
    case waiting
    case stopping
  }

  /// The machine's name.
  package var node = ""
  package var version = ""
  /// The supervisor's process.
  package var pid: Int64 = 0
  /// When this was written down.
  package var time: WallTime
  /// When the supervisor started.
  package var since: WallTime
  package var state = State.starting
  /// `http` or `passthrough`.
  package var mode = ""
  package var service: [String] = []
  /// As `*:443`, `192.0.2.1:443` or `*:80 (redirect)`.
  package var listeners: [String] = []
  /// Nil while there is none.
  package var worker: Worker?
  package var configuration: Configuration
  package var traffic = Traffic()
  package var limits = Limits()
  /// What clients are shown, in the order of the configuration; empty in mode `passthrough`, and while no worker has told.
  package var certificates: [ServedCertificate] = []
  /// In the order of the configuration; behind them those that a reload has removed, for as long as something runs there.
  package var servers: [Server] = []
  /// In the order of the configuration.
  package var routers: [Router] = []
  package var timers = Timers()
  /// The last warnings and errors, the latest first.
  package var problems: [Problem] = []

  package init(time: WallTime, since: WallTime, configuration: Configuration) {
    self.time = time
    self.since = since
    self.configuration = configuration
  }

  /// In one line, without its end.
  package var json: String { JSONText.write(self) }

  /// The process that serves.
  package struct Worker: Codable, Hashable, Sendable {
    package var pid: Int64
    package var since: WallTime

    package init(pid: Int64, since: WallTime) {
      self.pid = pid
      self.since = since
    }
  }

  /// The configuration in force.
  package struct Configuration: Codable, Hashable, Sendable {
    /// Counts the configurations that were tried, from 1.
    package var number: UInt64
    package var since: WallTime
    /// Event loops.
    package var threads: UInt64
    /// How many are in memory: this one, and earlier ones that some connection keeps. Nil while no worker has told.
    package var inMemory: UInt64?

    package init(number: UInt64, since: WallTime, threads: UInt64) {
      self.number = number
      self.since = since
      self.threads = threads
    }

    private enum CodingKeys: String, CodingKey {
      case number, since, threads
      case inMemory = "in_memory"
    }
  }

  /// What clients do, as the worker last told it.
  package struct Traffic: Codable, Hashable, Sendable {
    /// Clients' connections that are open.
    package var connections: UInt64 = 0
    /// Requests and tunnels under way.
    package var exchanges: UInt64 = 0
    /// Requests since the worker started.
    package var requests: UInt64 = 0
    /// Clients' connections accepted since the worker started.
    package var accepted: UInt64 = 0
    /// Over the last ten seconds; nil until they were measured.
    package var rates: Rates?
    /// Since the worker started.
    package var refused = RefusedCounts()

    private enum CodingKeys: String, CodingKey {
      case connections, exchanges, requests, accepted, refused
      case rates = "per_second"
    }
  }

  /// How much there is of something in a second.
  package struct Rates: Codable, Hashable, Sendable {
    package var connections: Double
    package var requests: Double

    package init(connections: Double, requests: Double) {
      self.connections = connections
      self.requests = requests
    }
  }

  /// The configuration's limits.
  package struct Limits: Codable, Hashable, Sendable {
    package var connections: UInt64 = 0
    /// Nil: no limit.
    package var connectionsPerAddress: UInt64?
    /// Of each server.
    package var queue: UInt64 = 0
    /// Clients that are remembered.
    package var clients: UInt64 = 0

    package init() {}

    private enum CodingKeys: String, CodingKey {
      case connections, queue, clients
      case connectionsPerAddress = "connections_per_address"
    }
  }
}
