/// A name that clients use for the service or a server of it: a host name in lower case without a trailing dot, or an IP address.
package struct ServiceName: Hashable, Sendable {
  /// The name by itself, as a certificate has it: an IPv6 address without brackets.
  package let text: String

  init(_ text: String) {
    self.text = text
  }

  /// The name as it stands in a URL or a Host field: an IPv6 address in brackets (RFC 3986 §3.2.2).
  package var host: String {
    text.contains(":") ? "[\(text)]" : text
  }
}
