import Wire

extension Configuration {
  /// The virtual router of a pair (RFC 9568), as this node sees it: values keyed by host name are already resolved.
  package struct VirtualRouter: Equatable, Sendable {
    /// The network interface that advertisements use and that carries the addresses.
    package var interface: String
    /// The VRID, 1 to 255.
    package var identifier: UInt8
    /// 1 to 254; the node with the higher one is Active. 255 is for an address's owner, which a balancer never is.
    package var priority: UInt8
    /// At least one, all of one family.
    package var addresses: [Address]

    package init(interface: String, identifier: UInt8, priority: UInt8, addresses: [Address]) {
      self.interface = interface
      self.identifier = identifier
      self.priority = priority
      self.addresses = addresses
    }

    /// An address with the length of its network's prefix, host bits kept.
    package struct Address: Hashable, Sendable {
      package var address: IPAddress
      /// 1 to 32, or to 128 for IPv6.
      package var prefixLength: UInt8

      package init(address: IPAddress, prefixLength: UInt8) {
        self.address = address
        self.prefixLength = prefixLength
      }
    }
  }
}
