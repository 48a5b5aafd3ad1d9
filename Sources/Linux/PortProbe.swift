import CLinux
import Wire

extension Socket {
  /// A TCP port of `address` that nobody has: `preferred`, or one that the kernel chooses when that is nil. Throws
  /// EADDRINUSE when `preferred` is taken, also by a listener that would share it (SO_REUSEPORT).
  ///
  /// The port is not kept: somebody may take it before it is bound.
  package static func freePort(on address: IPAddress, preferred: UInt16? = nil) throws(SystemError) -> UInt16 {
    let endpoint = Endpoint(address: address, port: preferred ?? 0)
    let family = address.family == .v4 ? AF_INET : AF_INET6
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let probe = try Descriptor(socket(family, type, 0), of: "socket")
    // A port that is only left over from ended connections counts as free.
    _ = cl_set_option(probe.number, SOL_SOCKET, SO_REUSEADDR, 1)
    guard cl_bind(probe.number, Int32(address.family.rawValue), address.high, address.low, endpoint.port) == 0 else {
      throw SystemError("bind \(endpoint)")
    }
    return try localEndpoint(of: probe.number).port
  }
}
