import CLinux

/// Why a connection could not be made: the only place that classifies an errno of socket(2), connect(2), epoll_ctl(2)
/// or SO_ERROR.
public enum ConnectFault: Hashable, Sendable, CaseIterable {
  /// This machine has run out of descriptors, source ports or memory. It is temporary and does not depend on the
  /// server: the server's health must not change.
  case shortage
  /// The server can't be reached from this machine: an address, a route, a local rule, the network, or a server that
  /// does not respond. It is not temporary, and another node may reach the server.
  case path
  /// The server's machine answered: the connection was refused or reset.
  case server

  /// An unknown errno means `path`.
  public init(errno code: Int32) {
    self =
      switch code {
      // Descriptors of the process and of the machine; epoll watches (fs.epoll.max_user_watches).
      case EMFILE, ENFILE, ENOSPC: .shortage
      // Kernel and socket memory (net.ipv4.tcp_mem).
      case ENOMEM, ENOBUFS: .shortage
      // All source ports towards this server are in use or in TIME_WAIT (net.ipv4.ip_local_port_range).
      // `Socket.connect` has already changed it to ENETUNREACH when there is no source address.
      case EADDRNOTAVAIL, EADDRINUSE, EAGAIN: .shortage
      // The call was interrupted before it had an effect.
      case EINTR: .shortage
      case ECONNREFUSED, ECONNRESET, ECONNABORTED, EPIPE, EPROTO: .server
      // EACCES and EPERM are rules: a prohibit route, SELinux, a sandbox. They stay until an administrator changes
      // them. EAFNOSUPPORT: IPv6 is disabled. EINVAL: a blackhole route.
      case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, ENONET, ETIMEDOUT, EACCES, EPERM, EAFNOSUPPORT, EINVAL: .path
      default: .path
      }
  }
}

extension SystemError {
  /// The classification of this error for a connection to a server.
  public var connectFault: ConnectFault { ConnectFault(errno: code) }
}
