import CLinux
import Wire

/// A raw socket for VRRP (IP protocol 112) on one interface: sends with TTL 255, type of service 0xc0 and no loopback,
/// and receives from the group and from peers (RFC 9568 §5.1).
public struct AdvertisementSocket: ~Copyable {
  /// 224.0.0.18 and ff02::12 (RFC 9568 §5.1.1.2, §5.1.2.2).
  public static func group(_ family: IPAddress.Family) -> IPAddress {
    family == .v4 ? IPAddress(v4: 0xe000_0012) : IPAddress(v6High: 0xff02 << 48, low: 0x12)
  }

  /// A received packet: fields of the IP header, and the bytes after it.
  public struct Packet: Hashable, Sendable {
    public let source: IPAddress
    public let destination: IPAddress
    /// The TTL or hop limit on arrival.
    public let hopLimit: UInt8
    public let bytes: [UInt8]
  }

  /// The longest packet of this program is shorter: 255 IPv4 or 90 IPv6 addresses and a trailer fit in an Ethernet MTU.
  private static let room = 2048

  public let descriptor: Descriptor
  public let family: IPAddress.Family
  private let interface: Int32

  /// Bound to the interface; with `joining`, a member of the VRRP group there.
  public init(_ family: IPAddress.Family, on interface: NetworkInterface, joining: Bool) throws(SystemError) {
    let number = Int32(family.rawValue)
    // SAFETY: the kernel copies the name.
    let opened = unsafe interface.name.withCString { unsafe cl_vrrp_socket(number, $0) }
    let descriptor = try Descriptor(opened, of: "raw socket for VRRP on \(interface.name)")
    let group = Self.group(family)
    if joining, cl_vrrp_join(descriptor.number, number, interface.index, group.high, group.low) != 0 {
      throw SystemError("join \(group) on \(interface.name)")
    }
    self.descriptor = descriptor
    self.family = family
    self.interface = interface.index
  }

  /// Sends a packet from `source`, which must be an address of this machine.
  public func send(_ bytes: Span<UInt8>, from source: IPAddress, to destination: IPAddress) throws(SystemError) {
    var from = cl_address(source)
    var to = cl_address(destination)
    let sent = unsafe bytes.withUnsafeBufferPointer { buffer in
      // SAFETY: the kernel reads the span's bytes and both addresses during the call only.
      retryingInterrupts {
        unsafe cl_raw_send(descriptor.number, buffer.baseAddress, buffer.count, interface, &from, &to)
      }
    }
    guard sent == bytes.count else { throw SystemError("send an advertisement to \(destination)") }
  }

  /// The next packet; nil when there is none. Skips up to `skipLimit` malformed packets.
  public func receive() throws(SystemError) -> Packet? {
    for _ in 0..<RawReceipt.skipLimit {
      var arrival = cl_arrival()
      let (count, bytes) = unsafe RawReceipt.read(room: Self.room) { buffer in
        // SAFETY: the kernel fills at most `buffer.count` bytes, and returns how many there were.
        unsafe cl_raw_receive(descriptor.number, buffer.baseAddress, buffer.count, &arrival)
      }
      guard count >= 0 else {
        guard cl_errno() == EAGAIN else { throw SystemError("receive an advertisement") }
        return nil
      }
      guard count <= bytes.count, let packet = Packet(bytes, arrival) else { continue }
      return packet
    }
    return nil
  }
}

extension AdvertisementSocket.Packet {
  /// An IPv4 header precedes the bytes (RFC 791 §3.1); IPv6 header fields are in `arrival`.
  fileprivate init?(_ bytes: [UInt8], _ arrival: cl_arrival) {
    let source = IPAddress(arrival.source)
    let destination = IPAddress(arrival.destination)
    guard source.family == .v4 else {
      guard let hopLimit = UInt8(exactly: arrival.hop_limit) else { return nil }
      self.init(source: source, destination: destination, hopLimit: hopLimit, bytes: bytes)
      return
    }
    guard bytes.count >= 20, bytes[0] >> 4 == 4 else { return nil }
    let headerCount = Int(bytes[0] & 0x0f) * 4
    guard 20...bytes.count ~= headerCount else { return nil }
    self.init(
      source: source, destination: destination, hopLimit: bytes[8], bytes: Array(bytes[headerCount...]))
  }
}

/// Reads of raw sockets.
enum RawReceipt {
  /// The most unusable packets skipped per read, so that a flood does not block the loop. The rest makes the socket
  /// readable again.
  static let skipLimit = 16

  /// The result of `body`, and the bytes that it filled. For a packet longer than `room`, `count` exceeds `room`.
  static func read(room: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Int) -> (count: Int, bytes: [UInt8]) {
    var count = -1
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
      // SAFETY: `body` fills no more than the buffer holds.
      count = retryingInterrupts { unsafe body(buffer) }
      initialized = min(max(0, count), room)
    }
    return (count, bytes)
  }
}

extension IPAddress {
  init(_ address: cl_address) { self.init(family: address.family, high: address.high, low: address.low) }
}

extension cl_address {
  init(_ address: IPAddress) {
    self.init(family: Int32(address.family.rawValue), high: address.high, low: address.low)
  }
}
