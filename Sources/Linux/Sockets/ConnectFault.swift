import CLinux

/// Whose doing it is that no connection came about: the one place that says what an errno of socket(2), connect(2),
/// epoll_ctl(2) or SO_ERROR tells of the server.
public enum ConnectFault: Hashable, Sendable, CaseIterable {
  /// This machine has run out of something: descriptors, source ports, memory. It passes by itself, and says nothing of
  /// the server: no verdict on it may follow.
  case shortage
  /// There is no way from here to the server: an address, a route, a rule of this machine, a network, or a server that
  /// gives no sign. It does not pass by itself, and another node may have a way.
  case path
  /// The server's machine answered: nothing listens there, or the connection was cut.
  case server

  /// What is not listed says no more than that the server can't be reached from here.
  public init(errno code: Int32) {
    self =
      switch code {
      // Descriptors of the process and of the machine; watches of epoll (fs.epoll.max_user_watches).
      case EMFILE, ENFILE, ENOSPC: .shortage
      // Memory, of the kernel and for sockets (net.ipv4.tcp_mem).
      case ENOMEM, ENOBUFS: .shortage
      // Every source port towards this server is in use or in TIME_WAIT (net.ipv4.ip_local_port_range). `Socket.connect`
      // has turned it into ENETUNREACH where it means that there is no source address.
      case EADDRNOTAVAIL, EADDRINUSE, EAGAIN: .shortage
      // Not worth a word to anybody: the call was not made.
      case EINTR: .shortage
      case ECONNREFUSED, ECONNRESET, ECONNABORTED, EPIPE, EPROTO: .server
      // EACCES and EPERM are rules: a prohibiting route, SELinux, a sandbox. They stay until somebody changes them.
      // EAFNOSUPPORT: IPv6 is switched off. EINVAL: a blackhole route.
      case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, ENONET, ETIMEDOUT, EACCES, EPERM, EAFNOSUPPORT, EINVAL: .path
      default: .path
      }
  }
}

extension SystemError {
  /// What it tells of the server, where a connection to one was to be made.
  public var connectFault: ConnectFault { ConnectFault(errno: code) }
}
