import Glibc
import Testing
import Wire

@testable import Linux

/// A veth pair.
private struct VethPair {
  let near: NetworkInterface
  let far: NetworkInterface

  /// Creates the pair in the calling thread's network namespace.
  init() throws {
    let commands = [
      "ip link add near type veth peer name far", "ip address add 192.0.2.1/24 dev near",
      // Both ends are this machine's: the kernel must accept packets from a local address.
      "echo 1 >/proc/sys/net/ipv4/conf/far/accept_local",
      "ip -6 address add fe80::1/64 dev near nodad", "ip link set near up", "ip link set far up",
    ]
    // SAFETY: a constant string.
    try #require(unsafe system(commands.joined(separator: " && ")) == 0)
    var routes = try AddressSocket()
    // The kernel sees the carrier of a new interface some time after the command.
    for _ in 0..<2000 {
      let interfaces = try routes.interfaces()
      if interfaces.contains(where: { $0.name == "near" && $0.isUsable }),
        interfaces.contains(where: { $0.name == "far" && $0.isUsable })
      {
        break
      }
      usleep(10_000)
    }
    let interfaces = try routes.interfaces()
    near = try #require(interfaces.first { $0.name == "near" })
    far = try #require(interfaces.first { $0.name == "far" })
  }
}

/// The first packet of `send` that `read` returns. A new veth pair drops packets until the kernel has
/// seen its carrier: a packet that has not arrived after a second is sent again.
private func first<Found>(
  at descriptor: borrowing Descriptor, of send: () throws -> Void, _ read: () throws -> Found?
) throws -> Found {
  let poller = try Poller()
  try poller.watchLevel(descriptor, token: 0)
  for _ in 0..<20 {
    try send()
    while poller.wait(.seconds(1)) == 1 {
      if let found = try read() { return found }
    }
  }
  return try #require(nil as Found?, "nothing arrived")
}

// SAFETY: a constant string.
private let hasIproute = unsafe access("/sbin/ip", X_OK) == 0

@Suite(.enabled(if: mayMakeNetworks && hasIproute, "needs root and iproute2"))
struct `Raw sockets` {
  @Test func `both ends of a veth pair are up, have a carrier and a hardware address`() throws {
    try inOwnNetwork { _ in
      let pair = try VethPair()
      #expect(pair.near.isUsable)
      #expect(pair.far.isUsable)
      #expect(pair.near.hardwareAddress.count == 6)
      #expect(pair.near.hardwareAddress != pair.far.hardwareAddress)
    }
  }

  @Test(arguments: [IPAddress(v4: 0xc000_0201), IPAddress(v6High: 0xfe80 << 48, low: 1)])
  func `an advertisement goes to the group with TTL 255 and does not come back (RFC 9568 §5.1)`(
    source: IPAddress
  ) throws {
    try inOwnNetwork { _ in
      let pair = try VethPair()
      let family = source.family
      let sender = try AdvertisementSocket(family, on: pair.near, joining: true)
      let receiver = try AdvertisementSocket(family, on: pair.far, joining: true)
      let other = try AdvertisementSocket(family, on: pair.far, joining: false)
      // The kernel fills no checksum in: the bytes arrive as they were sent.
      let bytes: [UInt8] = [0x31, 51, 100, 1, 0, 100, 0xab, 0xcd, 192, 0, 2, 100]
      let packet = try first(at: receiver.descriptor) {
        try sender.send(bytes.span, from: source, to: AdvertisementSocket.group(family))
      } _: {
        try receiver.receive()
      }
      #expect(packet.source == source)
      #expect(packet.destination == AdvertisementSocket.group(family))
      #expect(packet.hopLimit == 255)
      #expect(packet.bytes == bytes)
      #expect(try receiver.receive() == nil)
      #expect(try sender.receive() == nil)
      // Linux delivers IPv6 multicast to every raw socket of the machine, joined or not.
      if family == .v4 { #expect(try other.receive() == nil) }
    }
  }

  @Test func `a source address that this machine lacks is an error`() throws {
    try inOwnNetwork { _ in
      let pair = try VethPair()
      let sender = try AdvertisementSocket(.v4, on: pair.near, joining: true)
      #expect(throws: SystemError.self) {
        try sender.send([0x31].span, from: IPAddress(v4: 0xcb00_7101), to: AdvertisementSocket.group(.v4))
      }
    }
  }

  @Test func `a frame arrives unchanged, and only at sockets for its protocol`() throws {
    try inOwnNetwork { _ in
      let pair = try VethPair()
      let sender = try FrameSocket(.sending, on: pair.near)
      let receiver = try FrameSocket(.arp, on: pair.far)
      let others = [UInt8](repeating: 0xff, count: 6) + pair.near.hardwareAddress
      let frame = others + [0x08, 0x06] + [UInt8](1...28)
      let received = try first(at: receiver.descriptor) {
        try sender.send((others + [0x88, 0xb5] + [UInt8](1...28)).span)
        try sender.send(frame.span)
      } _: {
        try receiver.receive()
      }
      #expect(Array(received.prefix(frame.count)) == frame)
      #expect(try sender.receive() == nil)
    }
  }
}
