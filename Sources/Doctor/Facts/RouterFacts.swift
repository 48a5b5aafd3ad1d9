import Domain
import Wire

/// A virtual router and its interface.
package struct RouterFacts: Sendable {
  /// The state of the interface.
  package enum Link: Hashable, Sendable {
    case missing
    case down
    case withoutCarrier
    case up
  }

  /// Another node that advertises the same router id.
  package struct Speaker: Hashable, Sendable {
    package var source: IPAddress
    package var priority: UInt8
    package var version: UInt8
    package var addresses: [IPAddress]

    package init(source: IPAddress, priority: UInt8, version: UInt8, addresses: [IPAddress]) {
      self.source = source
      self.priority = priority
      self.version = version
      self.addresses = addresses
    }
  }

  package var name: String
  package var interface: String
  package var settings: VirtualRouterSettings
  package var link = Link.missing
  /// This machine's own networks on the interface.
  package var networks: [VirtualAddress] = []
  /// What is wrong with its addresses, as `belvedere check` says it.
  package var errors: [String] = []
  package var warnings: [String] = []
  /// net.ipv4.conf: the greater of `all` and the interface's.
  package var reversePathFilter: Int?
  /// The program that manages the interface: `NetworkManager`, `systemd-networkd`.
  package var manager: String?
  /// Whether systemd-networkd has been told to keep addresses that it did not set.
  package var keepsAddresses = false
  package var speakers = Gathered<[Speaker]>.unknown("")
  /// The addresses from which the pair's other nodes advertise, where the configuration says so.
  package var nodes: [IPAddress] = []
  /// The other node of the pair that says of itself that it is Active.
  package var activeNode: String?
  /// Nil when the service does not run.
  package var role: VirtualRouterRole?

  package init(name: String, interface: String, settings: VirtualRouterSettings) {
    self.name = name
    self.interface = interface
    self.settings = settings
  }
}
