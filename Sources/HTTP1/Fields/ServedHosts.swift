import Wire

/// The names that a service answers to, and so which Host a request may have: names in any case, with or without a port
/// and a final dot, wildcards for one label. Every address is one of them, since it names the machine and no site, and
/// so is an empty Host, which names none (RFC 9112 §3.2).
///
/// A request for another name is misdirected (RFC 9110 §15.5.20): its client took us for another server, or was led here
/// by somebody's DNS; a server that trusts Host would write that name into links, cookies and tickets.
///
/// A class, so that asking it counts two references and not three.
public final class ServedHosts: Sendable {
  /// As nearly every request has it: the first name.
  private let usual: [UInt8]
  private let names: HostTable
  /// What follows the `*` of wildcards, its dot included.
  private let suffixes: HostTable

  /// `names` in lower case, the most usual first; `*.example.com` is a wildcard.
  public init(_ names: [String]) {
    usual = names.first.map { Array($0.utf8) } ?? []
    self.names = HostTable(names.filter { !$0.hasPrefix("*.") }.map { ($0, 0) })
    suffixes = HostTable(names.filter { $0.hasPrefix("*.") }.map { (String($0.dropFirst()), 0) })
  }

  /// Whether `host`, the value of a Host field that was read well, names the service.
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
  /// Whether both are the same octets.
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
