/// Why a text is not an address, a prefix or an endpoint. The description completes "NAME: …" in a diagnostic.
public enum AddressTextError: Error, Hashable, Sendable, CustomStringConvertible {
  case notAnAddress
  /// Not a decimal number from 0 to `maximum` after the slash.
  case prefixLength(maximum: Int)
  /// The address has bits set after its prefix; `network` is the probable intention.
  case hostBits(network: IPPrefix)
  /// Not a decimal number from 1 to 65535 after the colon.
  case port
  /// A required port is missing.
  case portMissing

  public var description: String {
    switch self {
    case .notAnAddress: "is not an IPv4 or IPv6 address"
    case .prefixLength(let maximum): "needs a prefix length from 0 to \(maximum) after the slash"
    case .hostBits(let network): "has bits set after its prefix; the network is \(network)"
    case .port: "needs a port from 1 to 65535 after the colon"
    case .portMissing: "needs a port: 192.0.2.1:443 or [2001:db8::1]:443"
    }
  }
}
