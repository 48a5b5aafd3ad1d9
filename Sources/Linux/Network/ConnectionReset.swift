import CLinux
import Glibc
import Wire

/// Resets TCP connections of this machine by local address, whichever process owns them (sock_diag(7), SOCK_DESTROY):
/// those left by a dead process in a listener's queue, and those of a running process, whose next read fails with
/// ECONNABORTED. The peer gets an RST at once, as long as the address is still on an interface.
///
/// Needs CAP_NET_ADMIN, and a kernel with CONFIG_INET_DIAG_DESTROY (4.5; Debian's, Ubuntu's and Red Hat's have it).
public struct ConnectionReset: ~Copyable {
  /// SOCK_DIAG_BY_FAMILY and SOCK_DESTROY (linux/sock_diag.h); INET_DIAG_REQ_BYTECODE (linux/inet_diag.h).
  private static let list: UInt16 = 20
  private static let destroy: UInt16 = 21
  private static let filter: UInt16 = 1
  /// inet_diag_sockid: ports, addresses, interface, cookie.
  private static let identityCount = 48
  /// All states with a peer: all but TIME_WAIT, CLOSE and LISTEN.
  private static let connected: UInt32 = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11
  /// Requests per call: their errors fit in the receive buffer.
  private static let batch = 64
  /// NETLINK_SOCK_DIAG (linux/netlink.h).
  private static let diagnosis: Int32 = 4

  private struct Connection {
    var family: UInt8
    var identity: [UInt8]
  }

  private let descriptor: Descriptor
  private var sequence: UInt32 = 0

  /// Resetting needs CAP_NET_ADMIN.
  public init() throws(SystemError) {
    let type = Int32(SOCK_RAW.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    descriptor = try Descriptor(socket(AF_NETLINK, type, Self.diagnosis), of: "netlink socket for connections")
  }

  /// Resets every connection with the local address `address`, including IPv4 connections of IPv6 sockets and
  /// connections that are not accepted yet. Listening sockets stay. Returns the number of connections.
  public mutating func reset(at address: IPAddress) throws(SystemError) -> Int {
    var count = 0
    for family in address.family == .v4 ? [AddressFamily.v4, AddressFamily.v6] : [AddressFamily.v6] {
      let found = try connections(family, at: address)
      for start in stride(from: 0, to: found.count, by: Self.batch) {
        count += try destroy(found[start..<min(found.count, start + Self.batch)])
      }
    }
    return count
  }

  private mutating func connections(_ family: UInt8, at address: IPAddress) throws(SystemError) -> [Connection] {
    sequence &+= 1
    var request = NetlinkWriter(type: Self.list, flags: Netlink.request | Netlink.dump, sequence: sequence)
    Self.append(family, [UInt8](repeating: 0, count: Self.identityCount), to: &request)
    request.append(attribute: Self.filter, Self.condition(address))
    try send(request.finish())
    var found: [Connection] = []
    try receive { type, body in
      // inet_diag_msg: family, state, timer, retransmissions, the identity, and more.
      guard type == Self.list, body.count >= 4 + Self.identityCount else { return }
      found.append(Connection(family: body[0], identity: body.extracting(4..<4 + Self.identityCount).copied))
    }
    return found
  }

  /// A program for the kernel's filter: the source address is this one, or in an IPv6 socket its mapped form. It
  /// accepts by ending at its end, and rejects by jumping past it.
  private static func condition(_ address: IPAddress) -> [UInt8] {
    let sourceIs: UInt8 = 7  // INET_DIAG_BC_S_COND
    var bytes = ByteWriter(limit: 16)
    address.writeBytes(into: &bytes)
    let count = 4 + 8 + bytes.bytes.count
    var program = [sourceIs, UInt8(count)] + NetlinkWriter.native(UInt16(count + 4))
    // inet_diag_hostcond: family, prefix length, two bytes of padding, any port.
    program += [address.family == .v4 ? AddressFamily.v4 : AddressFamily.v6, UInt8(address.bitWidth), 0, 0]
    program += NetlinkWriter.native(UInt32.max)
    return program + bytes.bytes
  }

  /// Returns how many still existed.
  private mutating func destroy(_ connections: ArraySlice<Connection>) throws(SystemError) -> Int {
    guard let last = connections.indices.last else { return 0 }
    var requests: [UInt8] = []
    for index in connections.indices {
      sequence &+= 1
      let flags = Netlink.request | (index == last ? Netlink.acknowledge : 0)
      var request = NetlinkWriter(type: Self.destroy, flags: flags, sequence: sequence)
      Self.append(connections[index].family, connections[index].identity, to: &request)
      requests += request.finish()
    }
    try send(requests)
    var gone = 0
    var failure: Int32?
    // Requests before the last are answered only when they fail.
    let first = sequence &- UInt32(connections.count - 1)
    try receive(from: first) { type, body in
      guard type == Netlink.errorMessage, let code = Self.code(body), code != 0 else { return }
      // The connection has ended already.
      if code == ENOENT { gone += 1 } else { failure = code }
    }
    if let failure { throw SystemError("reset connections", code: failure) }
    return connections.count - gone
  }

  /// inet_diag_req_v2: family, protocol, no extensions, states, the identity.
  private static func append(_ family: UInt8, _ identity: [UInt8], to request: inout NetlinkWriter) {
    request.append(family)
    request.append(UInt8(IPPROTO_TCP))
    request.append(UInt16(0))
    request.append(connected)
    for byte in identity { request.append(byte) }
  }

  private static func code(_ body: Span<UInt8>) -> Int32? {
    var reader = NetlinkReader(body)
    guard let code = try? reader.read(UInt32.self) else { return nil }
    return 0 &- Int32(bitPattern: code)
  }

  private func send(_ message: [UInt8]) throws(SystemError) {
    let sent = Socket.write(descriptor.number, message.span)
    guard sent == .bytes(message.count) else { throw SystemError("ask for connections") }
  }

  /// Passes the replies to the last request, or to those from `first` on, to `body`, until the end of the dump or the
  /// last acknowledgement.
  private func receive(
    from first: UInt32? = nil, _ body: (_ type: UInt16, _ body: Span<UInt8>) -> Void
  ) throws(SystemError) {
    let last = sequence
    let first = first ?? last
    var failure: Int32?
    var isDone = false
    while !isDone {
      guard let datagram = try NetlinkDatagram.receive(from: descriptor) else {
        throw SystemError("ask for connections", code: EAGAIN)
      }
      datagram.forEach { message in
        guard message.sequence &- first <= last &- first, !isDone else { return }
        let isEnd = message.type == Netlink.doneMessage || message.type == Netlink.errorMessage
        isDone = isEnd && message.sequence == last
        if message.type == Netlink.errorMessage, first == last, let code = Self.code(message.body), code != 0 {
          failure = code
        }
        body(message.type, message.body)
      }
    }
    if let failure, failure != ENOENT { throw SystemError("ask for connections", code: failure) }
  }
}
