import Wire

/// A rule that redirects: `redirect …` or `http-request redirect …` (configuration.txt, section 4.2).
struct RedirectRule {
  /// `scheme`, `location` or `prefix`.
  let kind: String
  let target: String

  /// Nil for any other line.
  init?(_ line: Statement) {
    let start = line.begins(with: ["http-request", "redirect"]) ? 2 : 1
    guard start == 2 || line.words[0] == "redirect", let kind = line[start], let target = line[start + 1] else {
      return nil
    }
    (self.kind, self.target) = (kind, target)
  }

  var leadsToHTTPS: Bool { kind == "scheme" ? target == "https" : target.hasPrefix("https://") }

  /// The host of the target, if it has a fixed one.
  var host: String? {
    guard kind != "scheme", target.hasPrefix("https://") else { return nil }
    let authority = target.dropFirst(8).prefix { $0 != "/" && $0 != "?" }
    guard let host = HostName.split(String(authority), defaultPort: 443)?.host, HostName.isValid(host) else {
      return nil
    }
    return host.lowercased()
  }

  /// The host of a prefix that adds nothing else to what was asked for.
  var prefixHost: String? {
    guard kind == "prefix", !target.dropFirst(8).contains(where: { "/?%".contains($0) }) else { return nil }
    return host
  }

  /// A target that is the same for all requests and can be written as it is.
  var location: String? {
    guard kind == "location", host != nil, target.utf8.allSatisfy({ 0x21...0x7e ~= $0 && $0 != UInt8(ascii: "%") }),
      target.utf8.count <= 4096
    else { return nil }
    return target
  }
}
