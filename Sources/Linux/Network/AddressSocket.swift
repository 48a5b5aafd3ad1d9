import CLinux
import Glibc
import Wire

/// Queries the kernel's interfaces and addresses, and changes addresses (rtnetlink(7)). The kernel answers before a
/// request returns, so nothing here blocks.
public struct AddressSocket: ~Copyable {
  private let descriptor: Descriptor
  private var sequence: UInt32 = 0

  /// Closed on exec. Changes need CAP_NET_ADMIN.
  public init() throws(SystemError) {
    descriptor = try Descriptor(cl_route_socket(0), of: "netlink socket")
  }

  /// All interfaces.
  public mutating func interfaces() throws(SystemError) -> [NetworkInterface] {
    var found: [NetworkInterface] = []
    // ifinfomsg: all zero.
    try ask(Netlink.getLink, header: 16) { type, body in
      if type == Netlink.newLink, let interface = NetworkInterface(link: body) { found.append(interface) }
    }
    return found
  }

  /// All addresses of all interfaces.
  public mutating func addresses() throws(SystemError) -> [InterfaceAddress] {
    var found: [InterfaceAddress] = []
    // ifaddrmsg: all zero.
    try ask(Netlink.getAddress, header: 8) { type, body in
      if type == Netlink.newAddress, let address = InterfaceAddress(address: body) { found.append(address) }
    }
    return found
  }

  /// Adds the address to its interface, or updates the lifetime and origin of the existing one.
  public mutating func put(_ address: InterfaceAddress) throws(SystemError) {
    try change(address, Netlink.newAddress, flags: Netlink.create | Netlink.replace)
  }

  /// Removes only this address from its interface. False when it was not there.
  public mutating func remove(_ address: InterfaceAddress) throws(SystemError) -> Bool {
    if address.address.family == .v4,
      let interface = try interfaces().first(where: { $0.index == address.interface }), interface.dropsSecondaries
    {
      try keepSecondaries(of: interface)
    }
    do {
      try change(address, Netlink.deleteAddress, flags: 0)
      return true
    } catch  where [EADDRNOTAVAIL, ENODEV].contains(error.code) {
      return false
    }
  }

  /// Makes the interface keep the secondary IPv4 addresses of a subnet when the primary one is removed, also by the
  /// kernel at the end of its lifetime: net.ipv4.conf.NAME.promote_secondaries=1, the default of some distributions.
  public mutating func keepSecondaries(of interface: NetworkInterface) throws(SystemError) {
    sequence &+= 1
    let words = "set promote_secondaries of \(interface.name)"
    try send(interface.keepSecondariesRequest(sequence: sequence), for: words)
    try receive(for: words) { _, _ in }
  }

  /// Makes the machine drop packets to this address and not answer ARP or neighbour solicitations for it, while it can
  /// still send from it. `put` or `remove` ends that.
  public mutating func stopReceiving(_ address: InterfaceAddress) throws(SystemError) {
    sequence &+= 1
    let words = "stop receiving for \(address.address)"
    try send(address.localRouteRequest(sequence: sequence), for: words)
    try receive(for: words) { _, _ in }
  }

  private mutating func change(_ address: InterfaceAddress, _ type: UInt16, flags: UInt16) throws(SystemError) {
    sequence &+= 1
    let words = "\(type == Netlink.newAddress ? "add" : "remove") \(address.address)/\(address.prefixLength)"
    let flags = flags | Netlink.request | Netlink.acknowledge
    try send(address.request(type: type, flags: flags, sequence: sequence), for: words)
    try receive(for: words) { _, _ in }
  }

  private mutating func ask(
    _ type: UInt16, header: Int, _ body: (_ type: UInt16, _ body: Span<UInt8>) -> Void
  ) throws(SystemError) {
    sequence &+= 1
    var request = NetlinkWriter(type: type, flags: Netlink.request | Netlink.dump, sequence: sequence)
    for _ in 0..<header { request.append(UInt8(0)) }
    try send(request.finish(), for: "netlink dump")
    try receive(for: "netlink dump", body)
  }

  private func send(_ message: [UInt8], for words: String) throws(SystemError) {
    let sent = Socket.write(descriptor.number, message.span)
    guard sent == .bytes(message.count) else { throw SystemError(words) }
  }

  /// Passes every reply to the last request to `body`, until the acknowledgement or the end of the dump.
  private func receive(
    for words: String, _ body: (_ type: UInt16, _ body: Span<UInt8>) -> Void
  ) throws(SystemError) {
    let sequence = self.sequence
    while true {
      guard let datagram = try NetlinkDatagram.receive(from: descriptor) else { throw SystemError(words, code: EAGAIN) }
      var outcome: Int32?
      datagram.forEach { message in
        // Replies to an abandoned request are ignored.
        guard message.sequence == sequence, outcome == nil else { return }
        switch message.type {
        case Netlink.doneMessage: outcome = 0
        case Netlink.errorMessage:
          var reader = NetlinkReader(message.body)
          let code = (try? reader.read(UInt32.self)).map { Int32(bitPattern: $0) }
          outcome = -(code ?? -EPROTO)
        default: body(message.type, message.body)
        }
      }
      if let outcome {
        guard outcome == 0 else { throw SystemError(words, code: outcome) }
        return
      }
    }
  }
}

/// Receives notifications of interface and address changes.
public struct RouteWatch: ~Copyable {
  /// A change, with the interface or address after it, or before its removal.
  public enum Event: Hashable, Sendable {
    case interface(NetworkInterface)
    case interfaceGone(NetworkInterface)
    case address(InterfaceAddress)
    case addressGone(InterfaceAddress)
    /// Notifications were lost because they were read too slowly: query everything again.
    case overrun
  }

  public let descriptor: Descriptor

  /// Starts receiving notifications.
  public init() throws(SystemError) {
    descriptor = try Descriptor(cl_route_socket(Netlink.watchedGroups), of: "netlink socket")
  }

  /// The available changes; empty when there are none.
  public func next() -> [Event] {
    let datagram: NetlinkDatagram?
    do { datagram = try NetlinkDatagram.receive(from: descriptor) } catch { return [.overrun] }
    var events: [Event] = []
    datagram?.forEach { message in
      switch message.type {
      case Netlink.newLink: NetworkInterface(link: message.body).map { events.append(.interface($0)) }
      case Netlink.deleteLink: NetworkInterface(link: message.body).map { events.append(.interfaceGone($0)) }
      case Netlink.newAddress: InterfaceAddress(address: message.body).map { events.append(.address($0)) }
      case Netlink.deleteAddress: InterfaceAddress(address: message.body).map { events.append(.addressGone($0)) }
      default: break
      }
    }
    return events
  }
}

/// The result of one read of a netlink socket: a sequence of messages.
struct NetlinkDatagram {
  struct Message: ~Escapable {
    let type: UInt16
    let sequence: UInt32
    let body: Span<UInt8>

    @_lifetime(copy body)
    init(type: UInt16, sequence: UInt32, body: Span<UInt8>) {
      self.type = type
      self.sequence = sequence
      self.body = body
    }
  }

  /// The most that the kernel writes at once (NLMSG_GOODSIZE is 8 KiB; dumps may use 32).
  private static let room = 32 * 1024

  let bytes: [UInt8]

  /// Nil when nothing is available. ENOBUFS: notifications were lost.
  static func receive(from socket: borrowing Descriptor) throws(SystemError) -> NetlinkDatagram? {
    var count = -1
    let number = socket.number
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
      // SAFETY: the kernel fills at most `buffer.count` bytes, and returns how many.
      count = retryingInterrupts { unsafe recv(number, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) }
      initialized = max(0, count)
    }
    if count >= 0 { return NetlinkDatagram(bytes: bytes) }
    guard cl_errno() == EAGAIN else { throw SystemError("netlink recv") }
    return nil
  }

  /// Passes every complete message to `body`; truncated ones are skipped.
  func forEach(_ body: (borrowing Message) -> Void) {
    var reader = NetlinkReader(bytes.span)
    while reader.remaining >= NetlinkWriter.headerCount {
      do throws(NetlinkReader.Truncated) {
        let count = Int(try reader.read(UInt32.self))
        let type = try reader.read(UInt16.self)
        _ = try reader.read(UInt16.self)
        let sequence = try reader.read(UInt32.self)
        _ = try reader.read(UInt32.self)
        body(Message(type: type, sequence: sequence, body: try reader.readPadded(count - NetlinkWriter.headerCount)))
      } catch { return }
    }
  }
}
