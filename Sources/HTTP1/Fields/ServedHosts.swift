import Wire

/// The names of a service, and so the accepted Host values: names in any case, with or without a port and a final dot,
/// and wildcards for one label. Every IP address is accepted, since it names a machine and not a site, and so is an
/// empty Host (RFC 9112 §3.2).
///
/// A request for another name is misdirected (RFC 9110 §15.5.20): the client meant another server, or an attacker's DNS
/// name points here; a server that trusts Host would use that name in links, cookies and tickets.
///
/// A class, so that a lookup retains two references instead of three.
public final class ServedHosts: Sendable {
  /// The first name, which nearly every request has.
  private let usual: [UInt8]
  private let names: HostTable
  /// The wildcards without `*`, including the dot.
  private let suffixes: HostTable

  /// `names` in lower case, the most common first; `*.example.com` is a wildcard.
  public init(_ names: [String]) {
    usual = names.first.map { Array($0.utf8) } ?? []
    self.names = HostTable(names.filter { !$0.hasPrefix("*.") }.map { ($0, 0) })
    suffixes = HostTable(names.filter { $0.hasPrefix("*.") }.map { (String($0.dropFirst()), 0) })
  }

  /// Whether `host`, a valid Host value, is a name of the service.
  public func contains(_ host: Span<UInt8>) -> Bool {
    let usual = usual
    if host.equals(usual.span) { return true }
    return containsUnusual(host)
  }

  @inline(never)
  private func containsUnusual(_ host: Span<UInt8>) -> Bool {
    guard let authority = Authority(host) else { return host.isEmpty }
    let name = authority.host.slice(of: host).withoutFinalDot
    if names.number(of: name) != nil { return true }
    if let dot = name.firstDot, dot > 0, suffixes.number(of: name.extracting(droppingFirst: dot)) != nil { return true }
    return (try? IPAddress(parsing: name.withoutBrackets)) != nil
  }
}

extension Span<UInt8> {
  /// Whether both have the same octets.
  fileprivate func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    var (mine, theirs) = (self, other)
    while mine.count >= 8 {
      guard mine.firstOctets == theirs.firstOctets else { return false }
      mine.drop(8)
      theirs.drop(8)
    }
    for index in mine.indices where mine[index] != theirs[index] { return false }
    return true
  }

  fileprivate var firstDot: Int? {
    for index in indices where self[index] == UInt8(ascii: ".") { return index }
    return nil
  }

  fileprivate var withoutBrackets: Span<UInt8> {
    @_lifetime(copy self)
    get {
      guard count > 2, self[0] == UInt8(ascii: "[") else { return self }
      return extracting(1..<(count &- 1))
    }
  }
}
