import Configuration
import Domain
import Linux
import VRRP
import Wire

/// Problems between a configuration's virtual routers and this machine's interfaces and addresses. An interface that
/// does not exist is no problem: the configuration may be for another machine.
package struct InterfaceFindings {
  /// Certain mistakes.
  package private(set) var errors: [String] = []
  /// Possible mistakes.
  package private(set) var warnings: [String] = []

  /// Checks the machine's present state; empty when the kernel can't be queried.
  package static func look(for configuration: Configuration) -> InterfaceFindings {
    guard !configuration.virtualRouters.isEmpty else { return InterfaceFindings([], [], []) }
    do throws(SystemError) {
      var routes = try AddressSocket()
      return InterfaceFindings(configuration.virtualRouters, try routes.interfaces(), try routes.addresses())
    } catch {
      return InterfaceFindings([], [], [])
    }
  }

  init(
    _ routers: [Configuration.VirtualRouter], _ interfaces: [NetworkInterface], _ addresses: [InterfaceAddress]
  ) {
    let virtual = Set(routers.flatMap(\.settings.ipAddresses))
    for router in routers {
      guard let interface = interfaces.first(where: { $0.name == router.interface }) else { continue }
      let there = addresses.filter { $0.interface == interface.index }
      let own = there.filter { !virtual.contains($0.address) }
      look(at: router, there, own)
      lookAtPeers(of: router, own)
    }
  }

  private mutating func look(
    at router: Configuration.VirtualRouter, _ there: [InterfaceAddress], _ own: [InterfaceAddress]
  ) {
    for address in there where router.settings.ipAddresses.contains(address.address) {
      guard !address.isLease(of: router.settings) else { continue }
      let words = Self.words(about: address, on: router.interface)
      if own.contains(where: { $0.address.family == address.address.family }) {
        warnings.append("\(router.name): \(words)")
      } else {
        errors.append(
          """
          \(router.name): \(address.address) is the only address that this machine has on \(router.interface); a virtual \
          address is another one, which moves from machine to machine
          """)
      }
    }
  }

  /// A router decrements the TTL, and receivers reject less than 255 (RFC 9568 §7.1).
  private mutating func lookAtPeers(of router: Configuration.VirtualRouter, _ own: [InterfaceAddress]) {
    for peer in router.settings.peers ?? [] where own.contains(where: { $0.address.family == peer.family }) {
      let isOnLink = peer.isLinkLocal || own.contains { Self.isSameNetwork($0, peer) }
      guard !isOnLink else { continue }
      warnings.append(
        """
        \(router.name): the peer \(peer) is in no network of \(router.interface): a router on the way lowers the TTL of \
        advertisements, and both nodes reject them
        """)
    }
  }

  private static func isSameNetwork(_ own: InterfaceAddress, _ other: IPAddress) -> Bool {
    guard own.address.family == other.family else { return false }
    return IPPrefix(containing: own.address, length: Int(own.prefixLength))?.contains(other) ?? false
  }

  /// The message about an address that another program has put on the interface.
  static func words(about address: InterfaceAddress, on interface: String) -> String {
    "\(address.address) is on \(interface), and this service did not put it there: \(origins(of: address, on: interface))."
  }

  /// Where such an address may come from, and what to do.
  static func origins(of address: InterfaceAddress, on interface: String) -> String {
    """
    another program, an earlier one that was killed, or the system's network configuration. While it is there both nodes \
    may answer for it; unless it is this machine's own: ip addr del \(address.address)/\(address.prefixLength) dev \
    \(interface)
    """
  }
}
