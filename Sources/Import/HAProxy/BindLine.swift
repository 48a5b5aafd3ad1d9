import Wire

/// A `bind` line (configuration.txt, section 5.1).
struct BindLine: Sendable {
  /// An address and its ports.
  struct Place: Hashable, Sendable {
    /// Nil for all addresses.
    let address: IPAddress?
    let ports: ClosedRange<UInt16>

    /// As `listen` has it, for one port.
    func text(port: UInt16) -> String {
      guard let address else { return "\(port)" }
      return "\(Endpoint(address: address, port: port))"
    }
  }

  /// Most ports of a range that become listeners.
  static let mostPorts = 64

  let statement: Statement
  /// Empty when the address is none that Belvedere can listen on.
  private(set) var places: [Place] = []
  private(set) var parameters: [ServerLine.Parameter] = []

  var isSecure: Bool { parameters.contains { $0.name == "ssl" } }
  /// Where `bind` and the address are.
  var head: Range<Int> { statement.place(0..<2) }
  /// One text for each port.
  var listeners: [String] { places.flatMap { place in place.ports.map { place.text(port: $0) } } }
  var ports: [UInt16] { places.flatMap { Array($0.ports) } }

  /// Whether a connection could belong to both.
  func overlaps(_ other: BindLine) -> Bool {
    places.contains { mine in
      other.places.contains { theirs in
        mine.ports.overlaps(theirs.ports)
          && (mine.address == nil || theirs.address == nil || mine.address == theirs.address)
      }
    }
  }

  init(_ statement: Statement) {
    self.statement = statement
    for text in (statement[1] ?? "").split(separator: ",") {
      guard let place = Self.place(String(text)) else {
        places = []
        break
      }
      places.append(place)
    }
    var index = 2
    while index < statement.words.count {
      let name = statement.words[index]
      let end = min(index + 1 + (Self.singles.contains(name) ? 1 : 0), statement.words.count)
      parameters.append(
        ServerLine.Parameter(
          name: name, arguments: Array(statement.words[(index + 1)..<end]), range: statement.place(index..<end)))
      index = end
    }
  }

  private static func place(_ text: String) -> Place? {
    var text = text
    for prefix in ["ipv4@", "ipv6@"] where text.hasPrefix(prefix) { text.removeFirst(prefix.count) }
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let ends = text[text.index(after: colon)...].split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count <= 2, let first = UInt16(ends[0]), let last = UInt16(ends[ends.count - 1]), first > 0,
      first <= last, last - first < mostPorts
    else { return nil }
    var host = text[..<colon]
    if ["", "*", "0.0.0.0", "::", "[::]"].contains(host) { return Place(address: nil, ports: first...last) }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard let address = try? IPAddress(parsing: String(host)) else { return nil }
    return Place(address: address, ports: first...last)
  }

  /// Parameters with one argument.
  private static let singles: Set = [
    "alpn", "backlog", "ca-file", "ca-ignore-err", "ca-sign-file", "ca-sign-pass", "ca-verify-file", "ciphers",
    "ciphersuites", "client-sigalgs", "crl-file", "crt", "crt-ignore-err", "crt-list", "curves", "ecdhe",
    "expose-fd", "gid", "group", "id", "interface", "level", "maxconn", "mode", "mss", "name", "namespace", "nice",
    "npn", "ocsp-update", "process", "proto", "severity-output", "shards", "sigalgs", "ssl-max-ver", "ssl-min-ver",
    "tcp-ut", "thread", "tls-ticket-keys", "uid", "user", "verify", "guid-prefix", "nbconn",
  ]
}
