import Configuration
import Domain
import Linux
import VRRP
import Wire

/// The leases of an earlier run that are still on this machine's interfaces. Pure.
///
/// An address without a lifetime, or with the mark of another program, belongs to the operator or to that program,
/// whatever the configuration and the lease file say. A lease that neither names belongs to another service.
struct LeaseSweep {
  /// What is to be removed, on the interface with this name.
  struct Lease: Hashable {
    let address: InterfaceAddress
    let interface: String
  }

  private let present: [Lease]
  private let recorded: [LeaseRecord.Address]
  /// The mark of this program's addresses; 0 on kernels without marks.
  private let mark: UInt8

  /// `present`: all addresses of this machine. `recorded`: those in the lease file.
  init(_ present: [InterfaceAddress], on interfaces: [NetworkInterface], recorded: [LeaseRecord.Address]) {
    let names = Dictionary(interfaces.map { ($0.index, $0.name) }) { first, _ in first }
    self.present = present.compactMap { address in
      names[address.interface].map { Lease(address: address, interface: $0) }
    }
    self.recorded = recorded
    // A kernel that stores marks (Linux 5.18) sets its own on the loopback addresses.
    mark = present.contains { $0.origin != 0 } ? InterfaceAddress.ourProtocol : 0
  }

  /// Leases to remove at the start, when no virtual router is Active here yet: those that the lease file names, and
  /// those of the configured virtual routers.
  func leftovers(_ routers: [Configuration.VirtualRouter]) -> [Lease] {
    present.filter { lease in
      let isConfigured = routers.contains { router in
        router.interface == lease.interface && router.settings.ipAddresses.contains(lease.address.address)
          && lease.address.isLease(of: router.settings)
      }
      return isConfigured || isOurs(lease.address) && isRecorded(lease)
    }
  }

  /// The recorded addresses that `belvedere release` removes, which has no configuration: all but those that are
  /// present and not our lease.
  var released: [LeaseRecord.Address] {
    let foreign = Set(present.filter { !isOurs($0.address) }.map(\.address.address))
    return recorded.filter { !foreign.contains($0.address.address) }
  }

  private func isRecorded(_ lease: Lease) -> Bool {
    recorded.contains { $0.interface == lease.interface && $0.address.address == lease.address.address }
  }

  private func isOurs(_ address: InterfaceAddress) -> Bool { address.lifetime != nil && address.origin == mark }
}

extension InterfaceAddress {
  /// Whether this is this program's lease of an address of a virtual router, and not an address that an operator or
  /// another program has set.
  func isLease(of settings: VirtualRouterSettings) -> Bool {
    isLease(atMost: UInt32(clamping: settings.lease.milliseconds / 1000))
  }
}
