import Wire

/// Where an authority answers by OCSP: a URL of plain http, as certificates have it. What it answers is signed.
struct ResponderURL: Equatable, Sendable, CustomStringConvertible {
  /// A name, or an address without brackets.
  let host: String
  let port: UInt16
  /// With its query.
  let path: String
  /// Host and port as the Host field has them.
  let authority: String

  /// Nil for everything but `http://host[:port][/path]` of visible ASCII.
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
