/// Writes netlink messages: numbers in host byte order, everything padded to four bytes (netlink(7)).
struct NetlinkWriter {
  /// nlmsghdr.
  static let headerCount = 16

  private(set) var bytes: [UInt8]

  /// Starts a message of this type; `flags` are NLM_F_….
  init(type: UInt16, flags: UInt16, sequence: UInt32) {
    bytes = []
    append(UInt32(0))
    append(type)
    append(flags)
    append(sequence)
    append(UInt32(0))
  }

  mutating func append<Number: FixedWidthInteger>(_ number: Number) { bytes += Self.native(number) }

  /// A number's bytes in host byte order.
  static func native<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { shift in
      let index = isLittleEndian ? shift : Number.bitWidth / 8 - 1 - shift
      return UInt8(truncatingIfNeeded: number >> Number(truncatingIfNeeded: 8 * index))
    }
  }

  /// One attribute (rtattr), padded.
  mutating func append(attribute type: UInt16, _ value: [UInt8]) {
    append(UInt16(truncatingIfNeeded: 4 + value.count))
    append(type)
    bytes += value
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  /// One attribute (rtattr) that contains others.
  mutating func append(nested type: UInt16, _ fill: (inout NetlinkWriter) -> Void) {
    let start = bytes.count
    append(attribute: type, [])
    fill(&self)
    bytes.replaceSubrange(start..<start + 2, with: Self.native(UInt16(truncatingIfNeeded: bytes.count - start)))
  }

  /// The complete message, with its length in the header.
  consuming func finish() -> [UInt8] {
    let count = UInt32(truncatingIfNeeded: bytes.count)
    for index in 0..<4 {
      let shift = UInt32(8 * (Self.isLittleEndian ? index : 3 - index))
      bytes[index] = UInt8(truncatingIfNeeded: count >> shift)
    }
    return bytes
  }

  static let isLittleEndian = 1.littleEndian == 1
}

/// Reads messages from the kernel; every length is checked against the available bytes.
struct NetlinkReader: ~Escapable {
  /// A length exceeds the available bytes.
  struct Truncated: Error {}

  private let bytes: Span<UInt8>
  private var cursor = 0

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  var remaining: Int { bytes.count - cursor }

  mutating func read<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type) throws(Truncated) -> Number {
    let size = Number.bitWidth / 8
    guard size <= remaining else { throw Truncated() }
    var value: Number = 0
    for offset in 0..<size {
      let index = NetlinkWriter.isLittleEndian ? cursor + size - 1 - offset : cursor + offset
      value = value << 8 | Number(truncatingIfNeeded: bytes[index])
    }
    cursor += size
    return value
  }

  /// The body of the next message or attribute: `count` bytes, then padding to four.
  @_lifetime(copy self) @_lifetime(self: copy self)
  mutating func readPadded(_ count: Int) throws(Truncated) -> Span<UInt8> {
    guard 0...remaining ~= count else { throw Truncated() }
    let body = bytes.extracting(cursor..<cursor + count)
    cursor = min(bytes.count, cursor + (count + 3) / 4 * 4)
    return body
  }

  /// Passes every remaining attribute (rtattr) to `body`.
  mutating func readAttributes(_ body: (_ type: UInt16, _ value: Span<UInt8>) -> Void) throws(Truncated) {
    while remaining >= 4 {
      let count = Int(try read(UInt16.self))
      // The two highest bits are NLA_F_NESTED and NLA_F_NET_BYTEORDER.
      let type = try read(UInt16.self) & 0x3fff
      guard count >= 4 else { throw Truncated() }
      body(type, try readPadded(count - 4))
    }
  }
}

/// Constants of the kernel's interface (linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h, linux/if_link.h).
enum Netlink {
  static let errorMessage: UInt16 = 2
  static let doneMessage: UInt16 = 3

  static let newLink: UInt16 = 16
  static let deleteLink: UInt16 = 17
  static let getLink: UInt16 = 18
  static let setLink: UInt16 = 19
  static let newAddress: UInt16 = 20
  static let deleteAddress: UInt16 = 21
  static let getAddress: UInt16 = 22
  static let deleteRoute: UInt16 = 25

  static let request: UInt16 = 0x1
  static let acknowledge: UInt16 = 0x4
  static let dump: UInt16 = 0x300
  static let replace: UInt16 = 0x100
  static let create: UInt16 = 0x400

  /// RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR.
  static let watchedGroups: UInt32 = 0x1 | 0x10 | 0x100

  static let addressOfInterface: UInt16 = 1
  static let localAddress: UInt16 = 2
  static let cacheInformation: UInt16 = 6
  static let addressFlags: UInt16 = 8
  static let addressProtocol: UInt16 = 11
  /// IFA_F_NODAD.
  static let withoutDuplicateDetection: UInt32 = 0x02

  /// RT_TABLE_LOCAL, RT_SCOPE_NOWHERE, RTN_LOCAL; RTA_DST, RTA_OIF.
  static let localTable: UInt8 = 255
  static let anyScope: UInt8 = 255
  static let localRoute: UInt8 = 2
  static let routeDestination: UInt16 = 1
  static let routeInterface: UInt16 = 4

  static let linkAddress: UInt16 = 1
  static let linkName: UInt16 = 3
  /// IFLA_AF_SPEC, in it AF_INET, IFLA_INET_CONF, and IPV4_DEVCONF_PROMOTE_SECONDARIES: settings are numbered from 1.
  static let linkFamilies: UInt16 = 26
  static let settingsOfIPv4: UInt16 = 1
  static let promoteSecondaries: UInt16 = 20
  /// IFF_UP, IFF_LOOPBACK; IFF_RUNNING and IFF_LOWER_UP together mean a carrier.
  static let upFlag: UInt32 = 0x1
  static let loopbackFlag: UInt32 = 0x8
  static let runningFlag: UInt32 = 0x40
  static let lowerUpFlag: UInt32 = 0x10000
}

extension Span<UInt8> {
  /// A copy of the bytes.
  var copied: [UInt8] { indices.map { self[$0] } }
}
