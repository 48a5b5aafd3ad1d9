import CLinux
import Wire

/// The result of reading a stream.
public enum ReadResult: Sendable, Equatable {
  case bytes(Int)
  case wouldBlock
  /// The peer closed its direction (FIN).
  case closed
  /// The call's errno.
  case failed(Int32)
}

/// The result of writing a stream.
public enum WriteResult: Sendable, Equatable {
  case bytes(Int)
  case wouldBlock
  case failed(Int32)
}

/// An accepted connection.
public struct Accepted: ~Copyable {
  public let descriptor: Descriptor
  public let peer: Endpoint

  /// Moves the socket to another owner.
  public consuming func takeDescriptor() -> Descriptor { descriptor }
}

/// TCP sockets, non-blocking and closed on exec.
public enum Socket {
  /// The most connections that wait in the kernel, which limits it to net.core.somaxconn.
  public static let backlog: Int32 = 4096

  /// A listening socket, with a shared port (SO_REUSEPORT) unless `sharesPort` is false, bound even when the machine
  /// does not have the address now (IP_FREEBIND). An IPv6 socket accepts only IPv6 unless `dualStack`.
  public static func listen(
    on endpoint: Endpoint, dualStack: Bool = false, sharesPort: Bool = true
  ) throws(SystemError) -> Descriptor {
    let descriptor = try bind(endpoint, dualStack: dualStack, sharesPort: sharesPort)
    guard CLinux.listen(descriptor.number, backlog) == 0 else { throw SystemError("listen \(endpoint)") }
    return descriptor
  }

  /// Stops a listening socket in all processes that have a duplicate: new connections are refused, and those in its
  /// queue are reset.
  public static func stopListening(_ listener: borrowing Descriptor) {
    _ = CLinux.shutdown(listener.number, Int32(SHUT_RD))
  }

  /// Limits what the kernel holds for a peer that does not read (SO_SNDBUF). Accepted connections inherit it.
  public static func limitSendBuffer(_ listener: borrowing Descriptor, bytes: Int32) throws(SystemError) {
    try set(listener, SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF")
  }

  /// Throws EADDRINUSE when a socket already listens on this endpoint: another process of this user could otherwise
  /// share the port unnoticed, and each would get some of the clients.
  public static func requireFree(_ endpoint: Endpoint, dualStack: Bool = false) throws(SystemError) {
    _ = try bind(endpoint, dualStack: dualStack, sharesPort: false)
  }

  /// An unused port of this address, chosen by the kernel. It is not reserved.
  public static func freePort(on address: IPAddress) throws(SystemError) -> UInt16 {
    let probe = try bind(Endpoint(address: address, port: 0), dualStack: false, sharesPort: false)
    return try localEndpoint(of: probe.number).port
  }

  /// The next waiting connection; nil when there is none. Connections that ended before they were accepted are skipped.
  public static func accept(from listener: borrowing Descriptor) throws(SystemError) -> Accepted? {
    var family: Int32 = 0
    var high: UInt64 = 0
    var low: UInt64 = 0
    var port: UInt16 = 0
    while true {
      // SAFETY: the call writes the four numbers, which live through it.
      let number = unsafe cl_accept(listener.number, &family, &high, &low, &port)
      if number >= 0 {
        _ = cl_set_option(number, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        return Accepted(
          descriptor: Descriptor(owning: number),
          peer: Endpoint(address: IPAddress(family: family, high: high, low: low), port: port))
      }
      switch cl_errno() {
      case EAGAIN: return nil
      case EINTR, ECONNABORTED, EPROTO: continue
      default: throw SystemError("accept4")
      }
    }
  }

  /// Starts connecting; the socket becomes writable once it is connected or has failed; `error(of:)` returns which.
  ///
  /// The kernel chooses the source address and port here, by both ends of the connection: one source port can serve
  /// several servers at once, as with IP_BIND_ADDRESS_NO_PORT where a source address is bound first. EADDRNOTAVAIL then
  /// means that every port towards this server is in use; when there is no source address at all, ENETUNREACH is thrown
  /// instead. `source`: the local address; nil: the kernel's choice.
  public static func connect(to endpoint: Endpoint, from source: IPAddress? = nil) throws(SystemError) -> Descriptor {
    let descriptor = try open(endpoint.address.family)
    _ = cl_set_option(descriptor.number, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    if let source, cl_bind(descriptor.number, Int32(source.family.rawValue), source.high, source.low, 0) != 0 {
      throw SystemError("bind \(source)")
    }
    if connect(descriptor.number, endpoint) == 0 { return descriptor }
    let code = cl_errno()
    switch code {
    case EINPROGRESS: return descriptor
    case EADDRNOTAVAIL where !hasSourceAddress(for: endpoint):
      throw SystemError("connect \(endpoint)", code: ENETUNREACH)
    default: throw SystemError("connect \(endpoint)", code: code)
    }
  }

  static func connect(_ number: Int32, _ endpoint: Endpoint) -> Int32 {
    let address = endpoint.address
    return cl_connect(number, Int32(address.family.rawValue), address.high, address.low, endpoint.port)
  }

  /// Whether this machine has a source address for another: a datagram socket has separate ports, and connecting it
  /// sends nothing. True when that can't be determined.
  private static func hasSourceAddress(for endpoint: Endpoint) -> Bool {
    guard let probe = try? open(endpoint.address.family, SOCK_DGRAM) else { return true }
    if connect(probe.number, endpoint) == 0 { return true }
    return cl_errno() != EADDRNOTAVAIL && cl_errno() != ENETUNREACH
  }

  /// The socket's pending error; zero when there is none.
  public static func error(of number: Int32) -> Int32 {
    var code: Int32 = 0
    // SAFETY: the call writes the one number, which lives through it.
    guard unsafe cl_get_option(number, SOL_SOCKET, SO_ERROR, &code) == 0 else { return cl_errno() }
    return code
  }

  /// Whether the peer has closed its direction, or the connection is broken; unread data may remain.
  public static func hasEnded(_ number: Int32) -> Bool {
    var question = pollfd(fd: number, events: Int16(POLLRDHUP), revents: 0)
    // SAFETY: one element, alive during the call.
    return retryingInterrupts { unsafe CLinux.poll(&question, 1, 0) } > 0
  }

  /// The first `count` unread bytes (at most 8) as a big-endian number, without consuming them; nil when fewer are
  /// available.
  public static func peek(_ number: Int32, count: Int) -> UInt64? {
    precondition(count > 0 && count <= 8)
    var bytes: UInt64 = 0
    // SAFETY: the kernel writes at most `count` of the eight bytes.
    let peeked = retryingInterrupts { unsafe recv(number, &bytes, count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) }
    return peeked == count ? UInt64(bigEndian: bytes) >> UInt64(64 - 8 * count) : nil
  }

  /// The number of unread bytes.
  public static func waiting(_ number: Int32) -> Int { Int(max(0, cl_bytes_waiting(number))) }

  /// The socket's local address.
  public static func localEndpoint(of number: Int32) throws(SystemError) -> Endpoint {
    var family: Int32 = 0
    var high: UInt64 = 0
    var low: UInt64 = 0
    var port: UInt16 = 0
    // SAFETY: the call writes the four numbers, which live through it.
    guard unsafe cl_local_address(number, &family, &high, &low, &port) == 0 else { throw SystemError("getsockname") }
    return Endpoint(address: IPAddress(family: family, high: high, low: low), port: port)
  }

  /// Sends FIN: closes our direction only.
  public static func shutdownWrite(_ number: Int32) { _ = shutdown(number, Int32(SHUT_WR)) }

  /// Makes close send RST and discard unsent data, so that the peer sees an abort.
  public static func abortOnClose(_ number: Int32) { _ = cl_set_abort_on_close(number, 1) }

  /// Discards `count` unread bytes. False when fewer were available.
  public static func discard(_ number: Int32, count: Int) -> Bool {
    // With MSG_TRUNC, TCP discards the data (tcp(7)).
    retryingInterrupts { recv(number, nil, count, Int32(MSG_TRUNC) | Int32(MSG_DONTWAIT)) } == count
  }

  /// Appends received bytes to `output`, as far as it has room, and consumes them unless `peeking`. Never blocks on a
  /// non-blocking socket.
  public static func read(
    _ number: Int32, into output: inout OutputSpan<UInt8>, peeking: Bool = false
  ) -> ReadResult {
    unsafe output.withUnsafeMutableBufferPointer { buffer, initialized in
      // SAFETY: the free room of the output span starts at `initialized` and is `buffer.count - initialized` long.
      let room = buffer.count - initialized
      let count = retryingInterrupts {
        unsafe recv(number, buffer.baseAddress.map { unsafe $0 + initialized }, room, peeking ? Int32(MSG_PEEK) : 0)
      }
      if count > 0 {
        initialized += count
        return .bytes(count)
      }
      if count == 0 { return .closed }
      return cl_errno() == EAGAIN ? .wouldBlock : .failed(cl_errno())
    }
  }

  /// Sends as much as the kernel accepts, without SIGPIPE. Never blocks on a non-blocking socket.
  public static func write(_ number: Int32, _ bytes: Span<UInt8>) -> WriteResult {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      // SAFETY: the kernel reads `count` bytes of the span during the call only.
      let count = retryingInterrupts { unsafe send(number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL)) }
      if count >= 0 { return .bytes(count) }
      return cl_errno() == EAGAIN ? .wouldBlock : .failed(cl_errno())
    }
  }

  static func bind(
    _ endpoint: Endpoint, dualStack: Bool, sharesPort: Bool, _ kind: __socket_type = SOCK_STREAM
  ) throws(SystemError) -> Descriptor {
    let descriptor = try open(endpoint.address.family, kind)
    // UDP shares a port with whoever sets it as well.
    if kind == SOCK_STREAM { try set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR") }
    if sharesPort { try set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT") }
    if endpoint.address.family == .v6 {
      try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, dualStack ? 0 : 1, "IPV6_V6ONLY")
      try set(descriptor, Int32(IPPROTO_IPV6), IPV6_FREEBIND, 1, "IPV6_FREEBIND")
    } else {
      try set(descriptor, Int32(IPPROTO_IP), IP_FREEBIND, 1, "IP_FREEBIND")
    }
    let address = endpoint.address
    guard cl_bind(descriptor.number, Int32(address.family.rawValue), address.high, address.low, endpoint.port) == 0
    else { throw SystemError("bind \(endpoint)") }
    return descriptor
  }

  static func open(
    _ family: IPAddress.Family, _ kind: __socket_type = SOCK_STREAM
  ) throws(SystemError) -> Descriptor {
    let type = Int32(kind.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    return try Descriptor(socket(family == .v4 ? AF_INET : AF_INET6, type, 0), of: "socket")
  }

  private static func set(
    _ descriptor: borrowing Descriptor, _ level: Int32, _ name: Int32, _ value: Int32, _ words: String
  ) throws(SystemError) {
    guard cl_set_option(descriptor.number, level, name, value) == 0 else { throw SystemError("setsockopt \(words)") }
  }
}

extension IPAddress {
  /// From the values of the socket wrappers: family 4 or 6, and two halves.
  init(family: Int32, high: UInt64, low: UInt64) {
    if family == 4 { self.init(v4: UInt32(truncatingIfNeeded: low)) } else { self.init(v6High: high, low: low) }
  }
}
