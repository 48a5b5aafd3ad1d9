import CLinux
import Glibc
import Testing
import Wire

@testable import Linux

@Suite struct `Resetting connections by their local address` {
  private static let address = IPAddress(v4: 0xcb00_7101)
  private static let other = IPAddress(v4: 0xcb00_7102)
  private static let address6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)
  private static let other6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 2)

  @Test(
    .enabled(if: mayMakeNetworks, "needs root"),
    arguments: [(address, other, false), (address, other, true), (address6, other6, false)])
  func `unaccepted connections are reset, listeners and other addresses are unaffected`(
    address: IPAddress, other: IPAddress, isMapped: Bool
  ) throws {
    try inOwnNetwork { loopback in
      try Self.switchOn(loopback)
      var routes = try AddressSocket()
      for each in [address, other] {
        let length: UInt8 = each.family == .v4 ? 32 : 128
        try routes.put(InterfaceAddress(interface: loopback, address: each, prefixLength: length, lifetime: nil))
      }
      let any = isMapped || address.family == .v6 ? IPAddress(v6High: 0, low: 0) : IPAddress(v4: 0)
      let listener = try Socket.listen(on: Endpoint(address: any, port: 4433), dualStack: isMapped)
      // More than one batch, and none of them is accepted.
      let cut = try Self.connect(to: address, count: 100)
      let kept = try Self.connect(to: other, count: 3)
      var reset = try ConnectionReset()
      // On loopback the clients' ends have that address too, and end by either side's reset.
      #expect(100...200 ~= (try reset.reset(at: address)))
      for index in cut.indices { #expect([ECONNRESET, ECONNABORTED].contains(Self.failure(of: cut[index].number))) }
      for index in kept.indices { #expect(Self.failure(of: kept[index].number) == EAGAIN) }
      #expect(try reset.reset(at: address) == 0)
      #expect(ListeningSocket(listener) != nil)
      let again = try Self.connect(to: address, count: 1)
      #expect(Self.failure(of: again[0].number) == EAGAIN)
    }
  }

  private static func switchOn(_ interface: Int32) throws {
    let descriptor = try Descriptor(cl_route_socket(0), of: "netlink socket")
    var request = NetlinkWriter(type: Netlink.newLink, flags: Netlink.request | Netlink.acknowledge, sequence: 1)
    for number in [0, UInt32(bitPattern: interface), Netlink.upFlag, Netlink.upFlag] { request.append(number) }
    let bytes = request.finish()
    let span = bytes.span
    // SAFETY: the kernel reads the bytes during the call only.
    let sent = unsafe span.withUnsafeBufferPointer { unsafe send(descriptor.number, $0.baseAddress, $0.count, 0) }
    #expect(sent == span.count)
    #expect(try NetlinkDatagram.receive(from: descriptor) != nil)
  }

  /// A connected socket, in a class because an array can't hold a ~Copyable type.
  private final class Held {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    var number: Int32 { descriptor.number }
  }

  private static func connect(to address: IPAddress, count: Int) throws -> [Held] {
    return try (0..<count).map { index in
      let held = Held(try Socket.connect(to: Endpoint(address: address, port: 4433)))
      var poll = pollfd(fd: held.number, events: Int16(POLLOUT), revents: 0)
      // SAFETY: one element, during the call.
      unsafe #expect(Glibc.poll(&poll, 1, 10_000) == 1)
      // The interface was enabled a moment ago.
      return Socket.error(of: held.number) == 0 ? held : try connect(to: address, count: 1)[0]
    }
  }

  /// The errno of a read.
  private static func failure(of number: Int32) -> Int32 {
    var byte: UInt8 = 0
    // SAFETY: one byte, during the call.
    let count = unsafe recv(number, &byte, 1, Int32(MSG_DONTWAIT))
    return count < 0 ? cl_errno() : 0
  }
}
