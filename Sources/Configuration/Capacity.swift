import Balancing
import Wire

extension DescriptorBudget {
  /// For a worker with this configuration that may open `limit` descriptors, on a machine with this many processors.
  package init(_ configuration: Configuration, limit: UInt64, processors: Int) {
    let loops = configuration.threads ?? processors
    self.init(
      limit: limit, configured: configuration.limits.connections, servers: configuration.servers.count, loops: loops,
      listeners: (configuration.listenerCount + configuration.datagramListenerCount) * loops,
      flows: configuration.flowLimit, nodes: configuration.pair?.others.count)
  }
}

extension Configuration {
  /// The number of addresses and ports that accept connections.
  fileprivate var listenerCount: Int {
    let service = services.flatMap { $0.listeners + $0.serverListeners + $0.relayListeners }.removingDuplicates()
    return service.count + services.flatMap { $0.redirect?.listeners ?? [] }.removingDuplicates().count
  }

  fileprivate var datagramListenerCount: Int { services.reduce(0) { $0 + $1.datagramListeners.count } }

  /// How many flows of datagrams there may be: none where no service relays any.
  package var flowLimit: Int { services.contains { !$0.relay.udp.isEmpty } ? limits.flows : 0 }

  /// The number of sockets that systemd keeps over a restart (FileDescriptorStoreMax in the unit).
  private static let keptSockets = 2048

  /// The machine's resources for connections.
  package struct Resources: Hashable, Sendable {
    /// The maximum of descriptors of the process (RLIMIT_NOFILE); nil if unknown.
    package var descriptors: UInt64?
    /// Source ports from which the kernel chooses (net.ipv4.ip_local_port_range); nil if unknown.
    package var ports: ClosedRange<UInt16>?
    /// Bytes of memory available to the process: the machine's, or its control group's; nil if unknown.
    package var memory: UInt64?
    package var processors: Int

    package init(descriptors: UInt64?, ports: ClosedRange<UInt16>?, memory: UInt64?, processors: Int) {
      self.descriptors = descriptors
      self.ports = ports
      self.memory = memory
      self.processors = processors
    }
  }

  /// The memory of an idle client connection, and the additional memory of an active one, in bytes (docs/limits.md).
  /// Warnings consider only the first, because not all clients are active at once.
  package static let idleConnectionBytes: UInt64 = 15_000
  /// The memory of a full affinity table for each entry; the index's part is taken when the table is made.
  private static let affinityEntryBytes: UInt64 = 68
  private static let flowBytes: UInt64 = 600

  /// The configured limits that exceed the machine's resources, each with the calculation and the command that helps.
  package func shortfalls(on resources: Resources) -> [String] {
    var warnings: [String] = []
    let budget = DescriptorBudget(self, limit: resources.descriptors ?? .max, processors: resources.processors)
    if let warning = budget.warning { warnings.append(warning) }
    let (places, loops) = (listenerCount, threads ?? resources.processors)
    if places * loops > Configuration.keptSockets {
      warnings.append(
        """
        \(places) listeners of \(loops) threads take \(places * loops) sockets, and systemd keeps \
        \(Configuration.keptSockets) of them over a restart, in which connections to the others are refused; \
        FileDescriptorStoreMax=\(places * loops) keeps all (`systemctl edit belvedere`)
        """)
    }
    if let ports = resources.ports {
      let places = Dictionary(grouping: servers, by: \.endpoint).values
      for servers in places.sorted(by: { $0[0].fullName < $1[0].fullName }) {
        let connections = servers.reduce(0) { $0 + $1.connections }
        guard connections > ports.count else { continue }
        let names = servers.map(\.fullName).joined(separator: ", ")
        warnings.append(
          """
          server \(names): `connections` is \(connections), but only \(ports.count) source ports lead to \
          \(servers[0].endpoint) (net.ipv4.ip_local_port_range is \(ports.lowerBound) to \(ports.upperBound)); \
          `sysctl net.ipv4.ip_local_port_range="1024 65535"` gives 64512
          """)
      }
    }
    if let ports = resources.ports, flowLimit > ports.count {
      warnings.append(
        """
        `limits: flows` is \(flowLimit), but each takes one of \(ports.count) source ports of UDP \
        (net.ipv4.ip_local_port_range is \(ports.lowerBound) to \(ports.upperBound))
        """)
    }
    if let memory = resources.memory, let warning = memoryWarning(connections: budget.connections, memory) {
      warnings.append(warning)
    }
    return warnings
  }

  private func memoryWarning(connections: Int, _ memory: UInt64) -> String? {
    let idle = UInt64(connections) * Configuration.idleConnectionBytes
    let flows = UInt64(flowLimit) * Configuration.flowBytes
    let entries = services.reduce(0) { $0 + UInt64($1.affinity.entries) * UInt64($1.affinity.tableCount) }
    let affinity = entries * Configuration.affinityEntryBytes
    guard idle + flows + affinity > memory else { return nil }
    var parts = [
      """
      `limits: connections` is \(limits.connections): \(connections) idle ones take about \(idle / 1_000_000) MB \
      (\(Configuration.idleConnectionBytes) bytes each)
      """,
      "\(entries) entries of `affinity` \(affinity / 1_000_000) MB (\(Configuration.affinityEntryBytes) bytes each)",
    ]
    if flows > 0 {
      parts.append("\(flowLimit) `flows` \(flows / 1_000_000) MB (\(Configuration.flowBytes) bytes each)")
    }
    return parts.joined(separator: ", ")
      + ", and this service may use \(memory / 1_000_000) MB (MemoryMax, or the machine's memory)"
  }
}
