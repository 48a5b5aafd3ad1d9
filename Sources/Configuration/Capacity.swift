import Balancing
import Wire

extension DescriptorBudget {
  /// Of a worker with this configuration that may open `limit` descriptors, on a machine with so many processors.
  package init(_ configuration: Configuration, limit: UInt64, processors: Int) {
    let loops = configuration.threads ?? processors
    self.init(
      limit: limit, configured: configuration.limits.connections, servers: configuration.servers.count, loops: loops,
      listeners: configuration.listenerCount * loops)
  }
}

extension Configuration {
  /// Places to listen at.
  fileprivate var listenerCount: Int {
    let service = services.flatMap { $0.listeners + $0.serverListeners + $0.relayListeners }.removingDuplicates()
    return service.count + services.flatMap { $0.redirect?.listeners ?? [] }.removingDuplicates().count
  }

  /// How many sockets systemd keeps over a restart (FileDescriptorStoreMax in the unit).
  private static let keptSockets = 2048

  /// What a machine has of what connections take.
  package struct Means: Hashable, Sendable {
    /// How many descriptors the process may open (RLIMIT_NOFILE); nil: not known.
    package var descriptors: UInt64?
    /// Source ports that the kernel chooses from (net.ipv4.ip_local_port_range); nil: not known.
    package var ports: ClosedRange<UInt16>?
    /// Bytes of memory that the process may use: the machine's, or its control group's; nil: not known.
    package var memory: UInt64?
    package var processors: Int

    package init(descriptors: UInt64?, ports: ClosedRange<UInt16>?, memory: UInt64?, processors: Int) {
      self.descriptors = descriptors
      self.ports = ports
      self.memory = memory
      self.processors = processors
    }
  }

  /// What an idle client takes, and what one that has something under way takes besides, in bytes (docs/limits.md). A
  /// warning goes by the first alone: not everybody is busy at once.
  package static let idleConnectionBytes: UInt64 = 15_000

  /// Which of the configured limits can't be held, each with the arithmetic and what to type.
  package func shortfalls(on means: Means) -> [String] {
    var warnings: [String] = []
    let budget = DescriptorBudget(self, limit: means.descriptors ?? .max, processors: means.processors)
    if let warning = budget.warning { warnings.append(warning) }
    let (places, loops) = (listenerCount, threads ?? means.processors)
    if places * loops > Configuration.keptSockets {
      warnings.append(
        """
        \(places) listeners of \(loops) threads take \(places * loops) sockets, and systemd keeps \
        \(Configuration.keptSockets) of them over a restart, in which connections to the others are refused; \
        FileDescriptorStoreMax=\(places * loops) keeps all (`systemctl edit belvedere`)
        """)
    }
    if let ports = means.ports {
      for server in servers where server.connections > ports.count {
        warnings.append(
          """
          server \(server.fullName): `connections` is \(server.connections), but only \(ports.count) source ports lead to \
          \(server.endpoint) (net.ipv4.ip_local_port_range is \(ports.lowerBound) to \(ports.upperBound)); \
          `sysctl net.ipv4.ip_local_port_range="1024 65535"` gives 64512
          """)
      }
    }
    let needed = UInt64(budget.connections) * Configuration.idleConnectionBytes
    if let memory = means.memory, needed > memory {
      warnings.append(
        """
        `limits: connections` is \(limits.connections): \(budget.connections) idle ones take about \
        \(needed / 1_000_000) MB (\(Configuration.idleConnectionBytes) bytes each), and this service may use \
        \(memory / 1_000_000) MB (MemoryMax, or the machine's memory)
        """)
    }
    return warnings
  }
}
