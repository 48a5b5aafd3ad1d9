import Configuration
import Control
import Domain
import Linux
import WorkerProtocol
import Wire

/// What the supervisor is to bring up and keep up: what follows from one configuration, and how to start a worker.
package struct ServicePlan {
  /// A place to listen, and for what.
  package struct Place: Hashable {
    package var purpose: ListenerPurpose
    package var endpoint: Endpoint
    /// Whether an IPv6 socket takes IPv4 as well.
    package var dualStack: Bool

    package init(purpose: ListenerPurpose, endpoint: Endpoint, dualStack: Bool) {
      self.purpose = purpose
      self.endpoint = endpoint
      self.dualStack = dualStack
    }
  }

  /// A program that plays the worker's role on the socket at descriptor 3.
  package struct Command {
    package var executable: String
    package var arguments: [String]

    /// The worker's role of this binary.
    package static let worker = Command(executable: CurrentProcess.executable, arguments: ["belvedere", "worker"])
  }

  /// As many loops as a worker may ever have: `threads` in the configuration.
  package static let loopLimit = 256

  /// The file's text, its name, and the host name that it was read with: what the worker reads again.
  package var configuration: (text: [UInt8], fileName: String, hostName: String)
  package var places: [Place]
  /// Event loops of the worker, at least one.
  package var loops: Int
  /// How long exchanges may take to finish at an orderly stop.
  package var stop: Interval
  package var command: Command
  /// What a report shows of it.
  package var description = ServiceDescription()
  /// Where the servers' administrative states are kept over a restart; nil: nowhere.
  package var serverStateFile: String?
  /// What is worth an operator's eye, as `belvedere check` prints it.
  package var warnings: [String] = []
  /// `log.target`: standard error and the journal are chosen once.
  package var logTarget = LogTarget.automatic
  package var logLevel = LogLevel.info
  package var logFacility = LogFacility.daemon
  /// Where those who run hooks and send mail are told, if there is such a socket.
  package var notifier = Notifier.standardPath
  /// The virtual routers that the node takes part in.
  package var routers: [RouterPlan] = []

  package init(
    configuration: (text: [UInt8], fileName: String, hostName: String), places: [Place], loops: Int, stop: Interval,
    command: Command
  ) {
    self.configuration = configuration
    self.places = places
    self.loops = loops
    self.stop = stop
    self.command = command
  }

  /// What this configuration asks for. Reads the keys of virtual routers.
  package init(
    _ configuration: Configuration, text: [UInt8], fileName: String, hostName: String
  ) throws(KeyFailure) {
    let redirects = configuration.redirect?.listeners ?? []
    self.init(
      configuration: (text, fileName, hostName),
      places: (configuration.listeners + configuration.serverListeners).map { Place($0, for: .service) }
        + redirects.map { Place($0, for: .redirect) },
      loops: configuration.threads ?? CurrentProcess.processors, stop: configuration.timeouts.stop,
      command: .worker)
    description = ServiceDescription(configuration)
    serverStateFile = configuration.serverStateFile
    logTarget = configuration.log.target
    logLevel = configuration.log.level
    logFacility = configuration.log.facility
    for router in configuration.virtualRouters { routers.append(try RouterPlan(router)) }
  }

  var serverNames: Set<String> { Set(description.servers.map(\.name)) }

  /// What another plan changes and a running service can't, a line each.
  func fixedSettings(changedBy next: ServicePlan) -> [String] {
    let changed = [
      description.mode == next.description.mode ? nil : "mode",
      logTarget == next.logTarget ? nil : "log.target", routers == next.routers ? nil : "vrrp",
    ]
    return changed.compactMap { $0 }.map {
      "\($0) can't change while the service runs; `systemctl restart belvedere` changes it"
    }
  }
}

extension ServicePlan.Place {
  /// No address stands for all of them: one IPv6 socket that takes IPv4 too.
  init(_ listener: Configuration.Listener, for purpose: ListenerPurpose) {
    let address = listener.address ?? IPAddress(v6High: 0, low: 0)
    self.init(
      purpose: purpose, endpoint: Endpoint(address: address, port: listener.port), dualStack: listener.address == nil)
  }
}
