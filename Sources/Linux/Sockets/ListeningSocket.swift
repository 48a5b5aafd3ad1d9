import CLinux
import Glibc
import Wire

/// A listening TCP socket made by another process, with its properties from the kernel.
public struct ListeningSocket {
  public let endpoint: Endpoint
  /// Whether an IPv6 socket accepts IPv4 too.
  public let dualStack: Bool
  /// Whether other sockets can listen on the same port (SO_REUSEPORT).
  public let sharesPort: Bool

  /// Checks a descriptor and makes it non-blocking; nil when it is not a listening TCP socket.
  public init?(_ descriptor: borrowing Descriptor) {
    let number = descriptor.number
    guard Self.option(number, SOL_SOCKET, SO_ACCEPTCONN) == 1,
      Self.option(number, SOL_SOCKET, SO_PROTOCOL) == Int32(IPPROTO_TCP), Self.setNonblocking(number)
    else { return nil }
    do { endpoint = try Socket.localEndpoint(of: number) } catch { return nil }
    dualStack = endpoint.address.family == .v6 && Self.option(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY) == 0
    sharesPort = Self.option(number, SOL_SOCKET, SO_REUSEPORT) == 1
  }

  /// Restores a listening socket: a process with a duplicate can stop it from listening, or make it blocking. Returns
  /// whether it had stopped, which has reset the connections in its queue.
  public static func restore(_ descriptor: borrowing Descriptor) throws(SystemError) -> Bool {
    let number = descriptor.number
    let hasStopped = option(number, SOL_SOCKET, SO_ACCEPTCONN) != 1
    if hasStopped {
      // It may be connected.
      _ = cl_disconnect(number)
      guard CLinux.listen(number, Socket.backlog) == 0 else { throw SystemError("listen again") }
    }
    guard setNonblocking(number) else { throw SystemError("fcntl F_SETFL") }
    cl_reset_options(number)
    return hasStopped
  }

  private static func setNonblocking(_ number: Int32) -> Bool {
    let flags = fcntl(number, F_GETFL)
    return flags >= 0 && fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0
  }

  private static func option(_ number: Int32, _ level: Int32, _ name: Int32) -> Int32? {
    var value: Int32 = 0
    // SAFETY: the kernel writes one Int32, during the call.
    return unsafe cl_get_option(number, level, name, &value) == 0 ? value : nil
  }
}
