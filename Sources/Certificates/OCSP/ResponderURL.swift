import Wire

/// The URL of an OCSP responder: plain http, as in certificates, since responses are signed.
struct ResponderURL: Equatable, Sendable, CustomStringConvertible {
  /// A host name, or an address without brackets.
  let host: String
  let port: UInt16
  /// Including the query.
  let path: String
  /// Host and port for the Host field.
  let authority: String

  /// Nil except for `http://host[:port][/path]` in visible ASCII.
  init?(_ text: String) {
    let scheme = "http://"
    guard text.utf8.count > scheme.utf8.count, text.prefix(scheme.count).lowercased() == scheme,
      text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else { return nil }
    let rest = text.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let target = rest.dropFirst(authority.count).prefix { $0 != "#" }
    self.authority = String(authority)
    path = target.hasPrefix("/") ? String(target) : "/" + target
    guard let place = HostName.split(self.authority, defaultPort: 80) else { return nil }
    (host, port) = place
  }

  var description: String { "http://\(authority)\(path)" }
}
