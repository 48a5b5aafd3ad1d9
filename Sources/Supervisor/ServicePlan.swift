import Configuration
import Control
import Domain
import Linux
import WorkerProtocol
import Wire

/// What the supervisor needs from one configuration, and how it starts a worker.
package struct ServicePlan {
  /// An address to listen on, and its purpose.
  package struct ListenerRequest: Hashable {
    package var purpose: ListenerPurpose
    package var endpoint: Endpoint
    /// Whether an IPv6 socket accepts IPv4 too.
    package var dualStack: Bool

    package init(purpose: ListenerPurpose, endpoint: Endpoint, dualStack: Bool) {
      self.purpose = purpose
      self.endpoint = endpoint
      self.dualStack = dualStack
    }

    package var isForDatagrams: Bool { purpose == .datagrams }

    /// One socket for each loop; one thread accepts from the pair's.
    func socketCount(loops: Int) -> Int { purpose == .pair ? 1 : loops }

    /// Ports of TCP and of UDP are different ones.
    package struct Port: Hashable {
      let number: UInt16
      let isForDatagrams: Bool
    }

    package var port: Port { Port(number: endpoint.port, isForDatagrams: isForDatagrams) }
  }

  /// The program that runs as the worker, with its socket as descriptor 3.
  package struct Command {
    package var executable: String
    package var arguments: [String]

    /// This binary as the worker.
    package static let worker = Command(executable: CurrentProcess.executable, arguments: ["belvedere", "worker"])
  }

  /// The receiver's socket of the packages' unit.
  package static let receiverPath = "/run/belvedere-apply.sock"

  /// The upper limit of `threads` in the configuration.
  package static let loopLimit = 256

  /// The file's text, its name, and the host name used to read it. The worker reads them again.
  package var configuration: (text: [UInt8], fileName: String, hostName: String)
  package var listeners: [ListenerRequest]
  /// Event loops of the worker, at least one.
  package var loops: Int
  /// How long exchanges may take to finish at a graceful stop.
  package var stop: Interval
  package var command: Command
  /// What a report shows of the configuration.
  package var description = ServiceDescription()
  /// The file that saves the servers' administrative states; nil: none.
  package var serverStateFile: String?
  /// As `belvedere check` prints them.
  package var warnings: [String] = []
  /// Its `target` is chosen at the start only.
  package var log = Configuration.Log()
  /// Paths: of the notifier's socket, used if it exists, of the one where other nodes' streams end (`belvedere apply`),
  /// and of the observer's (`belvedere observe`).
  package var sockets = (
    notifier: Notifier.standardPath, receiver: ServicePlan.receiverPath, observer: StatusPublisher.standardPath
  )
  /// The virtual routers of this node.
  package var routers: [RouterPlan] = []
  /// How much later than another node this one may notice that a server has failed or is back.
  var noticeDelay = Interval.zero
  /// The nodes of the pair.
  package var pair: Configuration.Pair?

  package init(
    configuration: (text: [UInt8], fileName: String, hostName: String), listeners: [ListenerRequest], loops: Int,
    stop: Interval,
    command: Command
  ) {
    self.configuration = configuration
    self.listeners = listeners
    self.loops = loops
    self.stop = stop
    self.command = command
  }

  /// The plan for this configuration. Reads the keys of virtual routers.
  package init(
    _ configuration: Configuration, text: [UInt8], fileName: String, hostName: String
  ) throws(KeyFailure) {
    let services = configuration.services
    var seen: Set<ListenerRequest> = []
    var listeners = services.flatMap { $0.listeners + $0.serverListeners }.map { ListenerRequest($0, for: .service) }
    listeners += services.flatMap { $0.redirect?.listeners ?? [] }.map { ListenerRequest($0, for: .redirect) }
    listeners += services.flatMap(\.relayListeners).map { ListenerRequest($0, for: .relay) }
    listeners += services.flatMap(\.datagramListeners).map { ListenerRequest($0, for: .datagrams) }
    listeners += [configuration.pair?.listener].compactMap { $0 }.map { ListenerRequest($0, for: .pair) }
    self.init(
      configuration: (text, fileName, hostName), listeners: listeners.filter { seen.insert($0).inserted },
      loops: configuration.threads ?? CurrentProcess.processors, stop: services.map(\.timeouts.stop).max() ?? .zero,
      command: .worker)
    description = ServiceDescription(configuration)
    serverStateFile = configuration.serverStateFile
    log = configuration.log
    pair = configuration.pair
    if pair != nil { description.sections = Configuration.sectionDigests(of: text, pair: pair) }
    noticeDelay = services.map(\.health.noticeDelay).max() ?? .zero
    for router in configuration.virtualRouters { routers.append(try RouterPlan(router)) }
  }

  /// What may have an administrative state: the keys of its servers and services.
  var adminKeys: Set<String> {
    Set(description.servers.map(\.name)).union(description.services.map { AdminSubject.service($0.name).key })
  }

  /// Settings that differ in another plan but can't change while running, one per line.
  func fixedSettings(changedBy next: ServicePlan) -> [String] {
    let hasOtherMode = description.services.contains { mine in
      next.description.services.contains { $0.name == mine.name && $0.mode != mine.mode }
    }
    let changed = [
      hasOtherMode ? "mode" : nil,
      log.target == next.log.target ? nil : "log.target", routers == next.routers ? nil : "vrrp",
      pair == next.pair ? nil : "pair",
    ]
    return changed.compactMap { $0 }.map {
      "\($0) can't change while the service runs; `systemctl restart belvedere` changes it"
    }
  }
}

extension ServicePlan.ListenerRequest {
  /// Without an address: the dual-stack wildcard.
  init(_ listener: Configuration.Listener, for purpose: ListenerPurpose) {
    let address = listener.address ?? IPAddress(v6High: 0, low: 0)
    self.init(
      purpose: purpose, endpoint: Endpoint(address: address, port: listener.port), dualStack: listener.address == nil)
  }
}

extension Configuration.Health {
  /// One node may check right after the change and get an answer at once, the other one an interval later and wait for
  /// the timeout. Further checks follow quickly.
  fileprivate var noticeDelay: Interval {
    let times = [interval, jitter, timeout, .seconds(1)]
    return Interval(nanoseconds: times.reduce(0) { $0 + $1.nanoseconds })
  }
}
