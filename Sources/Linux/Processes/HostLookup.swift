import CLinux
import Wire

/// Queries the system resolver (resolv.conf, hosts, nsswitch). It may block for many seconds: never call it from a
/// loop's thread.
public enum HostLookup {
  /// The most addresses returned for one host.
  private static let capacity = 8

  /// A host's addresses in the resolver's order; empty when it has none or the query fails.
  public static func addresses(of host: String) -> [IPAddress] {
    var families = [Int32](repeating: 0, count: capacity)
    var highs = [UInt64](repeating: 0, count: capacity)
    var lows = [UInt64](repeating: 0, count: capacity)
    // SAFETY: the name and the three arrays, each of `capacity`, live through the call.
    let count = unsafe cl_resolve(host, &families, &highs, &lows, Int32(capacity))
    guard count > 0 else { return [] }
    return (0..<Int(count)).map { IPAddress(family: families[$0], high: highs[$0], low: lows[$0]) }
  }
}
