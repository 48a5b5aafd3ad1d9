import Wire

/// A network interface as reported by the kernel.
public struct NetworkInterface: Hashable, Sendable {
  public let index: Int32
  public let name: String
  /// Administratively up.
  public let isUp: Bool
  /// Whether it has a carrier.
  public let hasCarrier: Bool
  public let isLoopback: Bool
  /// Six bytes on Ethernet-like interfaces.
  public let hardwareAddress: [UInt8]
  /// Whether the kernel removes the secondary IPv4 addresses of a subnet with the primary one
  /// (net.ipv4.conf.NAME.promote_secondaries is 0).
  public var dropsSecondaries = false

  /// Whether packets can be sent through it.
  public var isUsable: Bool { isUp && hasCarrier }
}

extension NetworkInterface {
  /// Parses the body of RTM_NEWLINK or RTM_DELLINK; nil when it has no interface name.
  init?(link body: Span<UInt8>) {
    var reader = NetlinkReader(body)
    do throws(NetlinkReader.Truncated) {
      // ifinfomsg: family, padding, type, index, flags, change.
      _ = try reader.read(UInt32.self)
      let index = try reader.read(UInt32.self)
      let flags = try reader.read(UInt32.self)
      _ = try reader.read(UInt32.self)
      var name = ""
      var hardwareAddress: [UInt8] = []
      var promotes: UInt32?
      try reader.readAttributes { type, value in
        switch type {
        case Netlink.linkName: name = String(decoding: value.copied.prefix { $0 != 0 }, as: UTF8.self)
        case Netlink.linkAddress: hardwareAddress = value.copied
        case Netlink.linkFamilies: promotes = Self.promotesSecondaries(value)
        default: break
        }
      }
      guard !name.isEmpty else { return nil }
      self.init(
        index: Int32(truncatingIfNeeded: index), name: name, isUp: flags & Netlink.upFlag != 0,
        hasCarrier: flags & (Netlink.runningFlag | Netlink.lowerUpFlag) == Netlink.runningFlag | Netlink.lowerUpFlag,
        isLoopback: flags & Netlink.loopbackFlag != 0, hardwareAddress: hardwareAddress,
        dropsSecondaries: promotes == 0)
    } catch {
      return nil
    }
  }

  /// A request to set promote_secondaries=1 (ifinfomsg and this setting only).
  func keepSecondariesRequest(sequence: UInt32) -> [UInt8] {
    var writer = NetlinkWriter(
      type: Netlink.setLink, flags: Netlink.request | Netlink.acknowledge, sequence: sequence)
    writer.append(UInt32(0))
    writer.append(UInt32(bitPattern: index))
    writer.append(UInt64(0))
    writer.append(nested: Netlink.linkFamilies) { families in
      families.append(nested: UInt16(AddressFamily.v4)) { settings in
        settings.append(nested: Netlink.settingsOfIPv4) { values in
          values.append(attribute: Netlink.promoteSecondaries, NetlinkWriter.native(UInt32(1)))
        }
      }
    }
    return writer.finish()
  }

  /// The setting, from IFLA_AF_SPEC; nil when the interface has no IPv4 settings.
  private static func promotesSecondaries(_ families: Span<UInt8>) -> UInt32? {
    var found: UInt32?
    var reader = NetlinkReader(families)
    try? reader.readAttributes { family, settings in
      guard family == AddressFamily.v4 else { return }
      var inner = NetlinkReader(settings)
      try? inner.readAttributes { type, values in
        let position = 4 * (Int(Netlink.promoteSecondaries) - 1)
        guard type == Netlink.settingsOfIPv4, values.count >= position + 4 else { return }
        var value = NetlinkReader(values.extracting(position..<position + 4))
        found = try? value.read(UInt32.self)
      }
    }
    return found
  }
}

/// An address on an interface.
public struct InterfaceAddress: Hashable, Sendable {
  /// Marks this program's addresses (IFA_PROTO, Linux 5.18): VRRP's IP protocol number, which no other program uses
  /// here.
  public static let ourProtocol: UInt8 = 112

  public let interface: Int32
  public let address: IPAddress
  public let prefixLength: UInt8
  /// The remaining lifetime in seconds; nil: unlimited.
  public let lifetime: UInt32?
  /// The program that added it (IFA_PROTO); 0: unknown.
  public let origin: UInt8

  public init(interface: Int32, address: IPAddress, prefixLength: UInt8, lifetime: UInt32?, origin: UInt8 = 0) {
    self.interface = interface
    self.address = address
    self.prefixLength = prefixLength
    self.lifetime = lifetime
    self.origin = origin
  }

  /// Whether this is a lease of this program, not an address from an operator, DHCP or another program: it has our
  /// mark, or, on kernels without marks (before Linux 5.18), a lifetime in seconds no longer than a lease's.
  public func isLease(atMost lifetime: UInt32) -> Bool {
    if origin != 0 { return origin == Self.ourProtocol }
    return self.lifetime.map { $0 <= lifetime } ?? false
  }

  /// IPv6 advertisements are sent from link-local addresses (RFC 9568 §5.1.2.1).
  public var isLinkLocal: Bool { address.family == .v6 && address.high >> 54 == 0xfe80 >> 6 }
}

extension InterfaceAddress {
  /// The value of IFA_CACHEINFO for an unlimited lifetime.
  private static let forever = UInt32.max

  /// Parses the body of RTM_NEWADDR or RTM_DELADDR; nil when it is neither IPv4 nor IPv6.
  init?(address body: Span<UInt8>) {
    var reader = NetlinkReader(body)
    do throws(NetlinkReader.Truncated) {
      // ifaddrmsg: family, prefix length, flags, scope, index.
      _ = try reader.read(UInt8.self)
      let prefixLength = try reader.read(UInt8.self)
      _ = try reader.read(UInt16.self)
      let interface = try reader.read(UInt32.self)
      var local: IPAddress?
      var other: IPAddress?
      var lifetime: UInt32?
      var origin: UInt8 = 0
      try reader.readAttributes { type, value in
        switch type {
        // On a point-to-point link IFA_ADDRESS is the peer's address; other IPv6 addresses have no IFA_LOCAL.
        case Netlink.localAddress: local = IPAddress(bytes: value)
        case Netlink.addressOfInterface: other = IPAddress(bytes: value)
        case Netlink.cacheInformation: lifetime = Self.validLifetime(value)
        case Netlink.addressProtocol where value.count == 1: origin = value[0]
        default: break
        }
      }
      guard let address = local ?? other else { return nil }
      self.init(
        interface: Int32(truncatingIfNeeded: interface), address: address, prefixLength: prefixLength,
        lifetime: lifetime, origin: origin)
    } catch {
      return nil
    }
  }

  /// ifa_cacheinfo: preferred, valid, created, changed.
  private static func validLifetime(_ value: Span<UInt8>) -> UInt32? {
    var reader = NetlinkReader(value)
    guard (try? reader.read(UInt32.self)) != nil, let valid = try? reader.read(UInt32.self) else { return nil }
    return valid == forever ? nil : valid
  }

  /// A request about this address, with all fields of RTM_NEWADDR and RTM_DELADDR.
  func request(type: UInt16, flags: UInt16, sequence: UInt32) -> [UInt8] {
    var writer = NetlinkWriter(type: type, flags: flags, sequence: sequence)
    writer.append(UInt8(address.family == .v4 ? AddressFamily.v4 : AddressFamily.v6))
    writer.append(prefixLength)
    writer.append(UInt16(0))
    writer.append(UInt32(bitPattern: interface))
    var bytes = ByteWriter(limit: 16)
    address.writeBytes(into: &bytes)
    writer.append(attribute: Netlink.localAddress, bytes.bytes)
    writer.append(attribute: Netlink.addressOfInterface, bytes.bytes)
    guard type == Netlink.newAddress else { return writer.finish() }
    // A virtual address moves between nodes: duplicate address detection is not needed, and would take a second.
    if address.family == .v6 {
      writer.append(attribute: Netlink.addressFlags, NetlinkWriter.native(Netlink.withoutDuplicateDetection))
    }
    let lifetime = NetlinkWriter.native(self.lifetime ?? Self.forever)
    writer.append(attribute: Netlink.cacheInformation, lifetime + lifetime + [UInt8](repeating: 0, count: 8))
    writer.append(attribute: Netlink.addressProtocol, [origin])
    return writer.finish()
  }

  /// A request to delete the address's route in table "local" (rtmsg, any scope).
  func localRouteRequest(sequence: UInt32) -> [UInt8] {
    let flags = Netlink.request | Netlink.acknowledge
    var writer = NetlinkWriter(type: Netlink.deleteRoute, flags: flags, sequence: sequence)
    let family = address.family == .v4 ? AddressFamily.v4 : AddressFamily.v6
    for byte in [family, UInt8(address.bitWidth), 0, 0, Netlink.localTable, 0, Netlink.anyScope, Netlink.localRoute] {
      writer.append(byte)
    }
    writer.append(UInt32(0))
    var bytes = ByteWriter(limit: 16)
    address.writeBytes(into: &bytes)
    writer.append(attribute: Netlink.routeDestination, bytes.bytes)
    writer.append(attribute: Netlink.routeInterface, NetlinkWriter.native(UInt32(bitPattern: interface)))
    return writer.finish()
  }
}

/// AF_INET and AF_INET6, as one byte of a message.
enum AddressFamily {
  static let v4: UInt8 = 2
  static let v6: UInt8 = 10
}
