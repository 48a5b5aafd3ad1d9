/// A service as it stands at one moment: what `belvedere status` shows, and docs/control.md documents.
package struct StatusReport: Hashable, Sendable {
  /// What the supervisor is at.
  package enum State: String, Sendable, CaseIterable {
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
  package var time: Moment
  /// When the supervisor started.
  package var since: Moment
  package var state = State.starting
  package var mode = ""
  /// The names of the service.
  package var service: [String] = []
  package var listeners: [String] = []
  /// Nil while there is none.
  package var worker: Worker?
  package var generation: Generation
  package var traffic = Traffic()
  package var limits = Limits()
  /// In the order of the configuration.
  package var servers: [Server] = []

  package init(time: Moment, since: Moment, generation: Generation) {
    self.time = time
    self.since = since
    self.generation = generation
  }

  /// The process that serves.
  package struct Worker: Hashable, Sendable {
    package var pid: Int64
    package var since: Moment

    package init(pid: Int64, since: Moment) {
      self.pid = pid
      self.since = since
    }
  }

  /// The configuration in force.
  package struct Generation: Hashable, Sendable {
    /// Counts the configurations that were tried, from 1.
    package var number: UInt64
    package var since: Moment
    /// Event loops.
    package var threads: UInt64

    package init(number: UInt64, since: Moment, threads: UInt64) {
      self.number = number
      self.since = since
      self.threads = threads
    }
  }

  package struct Traffic: Hashable, Sendable {
    /// Clients' connections that are open.
    package var connections: UInt64 = 0
    /// Requests and tunnels under way.
    package var exchanges: UInt64 = 0
    /// Requests since the worker started.
    package var requests: UInt64 = 0

    package init() {}
  }

  package struct Limits: Hashable, Sendable {
    package var connections: UInt64 = 0
    /// Nil: no limit.
    package var connectionsPerAddress: UInt64?
    /// Of each server.
    package var queue: UInt64 = 0

    package init() {}
  }
}

extension StatusReport {
  /// A Connection Server.
  package struct Server: Hashable, Sendable {
    package enum State: String, Sendable, CaseIterable {
      /// No health check is in yet.
      case unknown
      case up
      case drain
      case maintenance
      case down
    }

    /// What an operator has ordered.
    package struct Order: Hashable, Sendable {
      package enum Mode: String, Sendable, CaseIterable { case drain, maintenance }

      /// Nil when only the weight was ordered.
      package var mode: Mode?
      /// Nil when only the mode was ordered.
      package var weight: UInt64?
      package var since: Moment

      package init(mode: Mode?, weight: UInt64?, since: Moment) {
        self.mode = mode
        self.weight = weight
        self.since = since
      }
    }

    /// What it carries, measured about once a second.
    package struct Load: Hashable, Sendable {
      /// Clients that stay with this server: connected, or seen within `affinity.hold`.
      package var clients: UInt64
      /// Those of them that are connected.
      package var sessions: UInt64
      /// Requests and tunnels under way.
      package var exchanges: UInt64
      /// Requests that wait for a place.
      package var waiting: UInt64

      package init(clients: UInt64, sessions: UInt64, exchanges: UInt64, waiting: UInt64) {
        self.clients = clients
        self.sessions = sessions
        self.exchanges = exchanges
        self.waiting = waiting
      }
    }

    package var name: String
    package var address: String
    package var state = State.unknown
    /// Why it is in this state.
    package var reason = ""
    /// Since when; nil while the state is unknown.
    package var since: Moment?
    package var order: Order?
    /// The weight in force.
    package var weight: UInt64 = 1
    package var configuredWeight: UInt64 = 1
    package var isBackup = false
    /// How many requests and tunnels it is given at once.
    package var limit: UInt64 = 0
    /// Nil while no worker has told of it.
    package var load: Load?

    package init(name: String, address: String) {
      self.name = name
      self.address = address
    }
  }
}
