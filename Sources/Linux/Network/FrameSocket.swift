import CLinux
import Wire

/// Raw Ethernet frames on one interface, for what the IP stack does not send.
public struct FrameSocket: ~Copyable {
  /// The received EtherType.
  public enum Kind: UInt16, Sendable {
    /// Receives nothing.
    case sending = 0
    case arp = 0x0806
  }

  /// ARP is 42 bytes, padded to 60.
  private static let room = 128

  public let descriptor: Descriptor

  /// Needs CAP_NET_RAW.
  public init(_ kind: Kind, on interface: NetworkInterface) throws(SystemError) {
    descriptor = try Descriptor(
      cl_frame_socket(interface.index, kind.rawValue), of: "packet socket on \(interface.name)")
  }

  /// Sends one frame, the Ethernet header first.
  public func send(_ frame: Span<UInt8>) throws(SystemError) {
    let sent = Socket.write(descriptor.number, frame)
    guard sent == .bytes(frame.count) else { throw SystemError("send a frame") }
  }

  /// The start of the next frame from another host; nil when there is none.
  public func receive() throws(SystemError) -> [UInt8]? {
    for _ in 0..<RawReceipt.skipLimit {
      var outgoing: Int32 = 0
      let (count, bytes) = unsafe RawReceipt.read(room: Self.room) { buffer in
        // SAFETY: the kernel fills at most `buffer.count` bytes, and returns how many there were.
        unsafe cl_frame_receive(descriptor.number, buffer.baseAddress, buffer.count, &outgoing)
      }
      guard count >= 0 else {
        // ENETDOWN is reported once when a link goes down.
        guard [EAGAIN, ENETDOWN].contains(cl_errno()) else { throw SystemError("receive a frame") }
        return nil
      }
      if outgoing == 0 { return bytes }
    }
    return nil
  }
}

/// Neighbour advertisements (RFC 4861 §4.4) received on one interface.
public struct NeighbourSocket: ~Copyable {
  public let descriptor: Descriptor

  /// Needs CAP_NET_RAW.
  public init(on interface: NetworkInterface) throws(SystemError) {
    // SAFETY: the kernel copies the name.
    let opened = unsafe interface.name.withCString { unsafe cl_neighbour_socket($0) }
    descriptor = try Descriptor(opened, of: "raw socket for ICMPv6 on \(interface.name)")
  }

  /// The next one without the IPv6 header; nil when there is none. Skips those that were forwarded by a router, and
  /// solicited ones that were sent to a group (RFC 4861 §7.1.2).
  public func receive() throws(SystemError) -> [UInt8]? {
    for _ in 0..<RawReceipt.skipLimit {
      var arrival = cl_arrival()
      let (count, bytes) = unsafe RawReceipt.read(room: 128) { buffer in
        // SAFETY: the kernel fills at most `buffer.count` bytes, and returns how many there were.
        unsafe cl_raw_receive(descriptor.number, buffer.baseAddress, buffer.count, &arrival)
      }
      guard count >= 0 else {
        guard [EAGAIN, ENETDOWN].contains(cl_errno()) else { throw SystemError("receive a neighbour advertisement") }
        return nil
      }
      let isSolicited = bytes.count > 4 && bytes[4] & 0x40 != 0
      let isForGroup = arrival.destination.high >> 56 == 0xff
      if arrival.hop_limit == 255, !(isSolicited && isForGroup) { return bytes }
    }
    return nil
  }
}
