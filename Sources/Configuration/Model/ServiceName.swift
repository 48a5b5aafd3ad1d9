/// A name that clients use for a service or one of its servers: a host name in lower case without final dot, or an IP
/// address.
package struct ServiceName: Hashable, Sendable {
  /// The name as in a certificate: an IPv6 address without brackets.
  package let text: String

  init(_ text: String) {
    self.text = text
  }

  /// The name as in a URL or a Host field: an IPv6 address in brackets (RFC 3986 §3.2.2).
  package var host: String {
    text.contains(":") ? "[\(text)]" : text
  }
}
