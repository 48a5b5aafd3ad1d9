import CLinux
import Glibc
import Wire

/// UDP sockets, non-blocking and closed on exec.
public enum DatagramSocket {
  /// What a listener's queue may hold; net.core.rmem_max limits it. The loop that reads it may be busy for some
  /// milliseconds.
  private static let queueBytes: Int32 = 4 << 20

  /// A socket for datagrams to this endpoint, as `Socket.listen`.
  public static func listen(
    on endpoint: Endpoint, dualStack: Bool = false, sharesPort: Bool = true
  ) throws(SystemError) -> Descriptor {
    let descriptor = try Socket.bind(endpoint, dualStack: dualStack, sharesPort: sharesPort, SOCK_DGRAM)
    _ = cl_set_option(descriptor.number, SOL_SOCKET, SO_RCVBUF, queueBytes)
    guard cl_report_arrivals(descriptor.number, Int32(endpoint.address.family.rawValue)) == 0 else {
      throw SystemError("setsockopt IP_PKTINFO")
    }
    return descriptor
  }

  /// Throws EADDRINUSE when a socket has this endpoint already.
  public static func requireFree(_ endpoint: Endpoint, dualStack: Bool = false) throws(SystemError) {
    _ = try listen(on: endpoint, dualStack: dualStack, sharesPort: false)
  }

  /// A socket whose peer is this endpoint. Nothing is sent. EADDRNOTAVAIL or EAGAIN: every source port is in use.
  public static func connect(to endpoint: Endpoint) throws(SystemError) -> Descriptor {
    let descriptor = try Socket.open(endpoint.address.family, SOCK_DGRAM)
    guard Socket.connect(descriptor.number, endpoint) == 0 else { throw SystemError("connect \(endpoint)") }
    return descriptor
  }

  /// Whether an error of a connected socket is what ICMP says of its peer's port or host, and not that one datagram could
  /// not be sent: a rule, a route or an interface of this machine may be back before the peer has noticed.
  /// `isSending`: a route of this machine gives a sender what a firewall's ICMP gives a receiver.
  public static func isOfPeer(_ code: Int32, isSending: Bool) -> Bool {
    switch code {
    case ECONNREFUSED, ENOPROTOOPT: true
    // ICMPv6 reports prohibited destinations as EACCES.
    case EHOSTUNREACH, EHOSTDOWN, EACCES: !isSending
    default: false
    }
  }
}
