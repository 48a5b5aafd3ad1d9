/// A name that clients use for the service: a host name, an IP address written as text, or every name one label below
/// a parent. Kept in lower case, without a trailing dot and without brackets around an IPv6 address.
package enum ServiceName: Hashable, Sendable {
  case exact(String)
  /// `*.domain.local` has the parent `domain.local`. It stands for one label, as in a certificate (RFC 6125 §6.4.3):
  /// `view.domain.local`, but neither `domain.local` nor `a.b.domain.local`.
  case wildcard(parent: String)

  /// The name as the file writes it.
  package var text: String {
    switch self {
    case .exact(let name): name
    case .wildcard(let parent): "*." + parent
    }
  }
}
