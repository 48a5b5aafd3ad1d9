import Testing
import Wire

@testable import Linux

@Suite struct `Addresses and interfaces over netlink` {
  private static let address = IPAddress(v4: 0xcb00_7101)
  private static let address6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)

  @Test func `the loopback interface is listed with its name`() throws {
    var routes = try AddressSocket()
    let loopback = try #require(try routes.interfaces().first { $0.isLoopback })
    #expect(loopback.name == "lo")
    #expect(loopback.index == 1)
  }

  @Test(.enabled(if: mayMakeNetworks, "needs root"), arguments: [address, address6])
  func `an address has the lifetime, prefix and origin it was given`(address: IPAddress) throws {
    try inOwnNetwork { loopback in
      var routes = try AddressSocket()
      let length: UInt8 = address.family == .v4 ? 24 : 64
      func lease(_ seconds: UInt32) -> InterfaceAddress {
        InterfaceAddress(
          interface: loopback, address: address, prefixLength: length, lifetime: seconds,
          origin: InterfaceAddress.ourProtocol)
      }
      try routes.put(lease(100))
      try routes.put(lease(200))
      let found = try routes.addresses().filter { $0.address == address }
      #expect(found.count == 1)
      #expect(found.first?.prefixLength == length)
      #expect((199...200).contains(found.first?.lifetime ?? 0))
      #expect(found.first?.origin == InterfaceAddress.ourProtocol)
      #expect(try routes.remove(lease(0)))
      #expect(try !routes.remove(lease(0)))
      #expect(try !routes.addresses().contains { $0.address == address })
    }
  }

  /// Adds our address as the first of its subnet, and another address of the machine after it.
  private static func putTwo(
    _ routes: inout AddressSocket, on interface: Int32, lifetime: UInt32
  ) throws -> (first: InterfaceAddress, second: InterfaceAddress) {
    let first = InterfaceAddress(
      interface: interface, address: address, prefixLength: 24, lifetime: lifetime, origin: 112)
    let second = InterfaceAddress(
      interface: interface, address: IPAddress(v4: 0xcb00_7102), prefixLength: 24, lifetime: nil)
    try routes.put(first)
    try routes.put(second)
    return (first, second)
  }

  @Test(.enabled(if: mayMakeNetworks, "needs root"))
  func `removing an address keeps the others of its subnet, which the kernel would delete`() throws {
    try inOwnNetwork { loopback in
      var routes = try AddressSocket()
      #expect(try routes.interfaces().first { $0.index == loopback }?.dropsSecondaries == true)
      let (first, second) = try Self.putTwo(&routes, on: loopback, lifetime: 100)
      #expect(try routes.remove(first))
      #expect(try routes.addresses().map(\.address).contains(second.address))
      #expect(try !routes.addresses().map(\.address).contains(first.address))
    }
  }

  @Test(.enabled(if: mayMakeNetworks, "needs root"))
  func `an interface that keeps secondaries keeps them after a lifetime ends too`() throws {
    try inOwnNetwork { loopback in
      var routes = try AddressSocket()
      let interface = try #require(try routes.interfaces().first { $0.index == loopback })
      try routes.keepSecondaries(of: interface)
      #expect(try routes.interfaces().first { $0.index == loopback }?.dropsSecondaries == false)
      let watch = try RouteWatch()
      let poller = try Poller()
      try poller.watchLevel(watch.descriptor, token: 0)
      let (first, second) = try Self.putTwo(&routes, on: loopback, lifetime: 1)
      var isGone = false
      while !isGone {
        try #require(poller.wait(milliseconds: 20_000) == 1)
        for case .addressGone(let gone) in watch.next() where gone.address == first.address { isGone = true }
      }
      #expect(try routes.addresses().map(\.address).contains(second.address))
    }
  }

  @Test(.enabled(if: mayMakeNetworks, "needs root"))
  func `an address that is not renewed is removed by the kernel, with a notification`() throws {
    try inOwnNetwork { loopback in
      var routes = try AddressSocket()
      let watch = try RouteWatch()
      let poller = try Poller()
      try poller.watchLevel(watch.descriptor, token: 0)
      try routes.put(
        InterfaceAddress(interface: loopback, address: Self.address, prefixLength: 32, lifetime: 1, origin: 112))
      var seen: [RouteWatch.Event] = []
      while !seen.contains(where: { if case .addressGone = $0 { true } else { false } }) {
        try #require(poller.wait(milliseconds: 20_000) == 1)
        seen += watch.next()
      }
      guard case .address(let added)? = seen.first, case .addressGone(let gone)? = seen.last else {
        Issue.record("\(seen)")
        return
      }
      #expect(added.address == Self.address)
      #expect(gone.address == Self.address)
      #expect(gone.origin == 112)
    }
  }

  @Test(.enabled(if: mayMakeNetworks, "needs root"))
  func `a missing interface is an error that names the address`() throws {
    try inOwnNetwork { _ in
      var routes = try AddressSocket()
      let nowhere = InterfaceAddress(interface: 4711, address: Self.address, prefixLength: 32, lifetime: 1)
      let error = #expect(throws: SystemError.self) { try routes.put(nowhere) }
      #expect(error?.description == "add 203.0.113.1/32: No such device (ENODEV)")
      #expect(try !routes.remove(nowhere))
    }
  }
}

@Suite struct `Netlink messages` {
  private static let added = InterfaceAddress(
    interface: 7, address: IPAddress(v4: 0xc000_0201), prefixLength: 24, lifetime: 3, origin: 112)

  /// The kernel's notification of a change, which has the format of the request.
  private static func datagram(_ address: InterfaceAddress) -> NetlinkDatagram {
    NetlinkDatagram(bytes: address.request(type: Netlink.newAddress, flags: 0, sequence: 9))
  }

  private static func addresses(_ datagram: NetlinkDatagram) -> [InterfaceAddress?] {
    var found: [InterfaceAddress?] = []
    datagram.forEach { found.append(InterfaceAddress(address: $0.body)) }
    return found
  }

  @Test func `an address is decoded as it was encoded`() {
    #expect(Self.addresses(Self.datagram(Self.added)) == [Self.added])
    let forever = InterfaceAddress(
      interface: 1, address: IPAddress(v6High: 0xfe80 << 48, low: 1), prefixLength: 64, lifetime: nil)
    #expect(Self.addresses(Self.datagram(forever)) == [forever])
    #expect(forever.isLinkLocal)
    #expect(!Self.added.isLinkLocal)
  }

  @Test func `decoding ends for truncated and modified messages`() {
    let whole = Self.datagram(Self.added).bytes
    for count in 0..<whole.count { #expect(Self.addresses(NetlinkDatagram(bytes: Array(whole[..<count]))).isEmpty) }
    for index in whole.indices {
      for value: UInt8 in [0, 1, 3, 0x7f, 0xff] {
        var changed = whole
        changed[index] = value
        #expect(Self.addresses(NetlinkDatagram(bytes: changed)).count <= 4)
        _ = NetworkInterface(link: changed.span)
      }
    }
  }
}
