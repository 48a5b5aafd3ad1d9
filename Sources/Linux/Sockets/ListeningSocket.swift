import CLinux
import Glibc
import Wire

/// A listening TCP socket that another process made, as the kernel knows it.
public struct ListeningSocket {
  public let endpoint: Endpoint
  /// Whether an IPv6 socket takes IPv4 as well.
  public let dualStack: Bool
  /// Whether others may listen on the same port beside it (SO_REUSEPORT).
  public let sharesPort: Bool

  /// Looks at a descriptor and makes it non-blocking; nil when it is something else.
  public init?(_ descriptor: borrowing Descriptor) {
    let number = descriptor.number
    guard Self.option(number, SOL_SOCKET, SO_ACCEPTCONN) == 1,
      Self.option(number, SOL_SOCKET, SO_PROTOCOL) == Int32(IPPROTO_TCP), Self.setNonblocking(number)
    else { return nil }
    do { endpoint = try Socket.localEndpoint(of: number) } catch { return nil }
    dualStack = endpoint.address.family == .v6 && Self.option(number, Int32(IPPROTO_IPV6), IPV6_V6ONLY) == 0
    sharesPort = Self.option(number, SOL_SOCKET, SO_REUSEPORT) == 1
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
