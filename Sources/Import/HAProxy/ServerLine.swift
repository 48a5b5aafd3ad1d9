import Wire

/// A `server` line, or a `default-server` line without name and address (configuration.txt, section 5.2).
struct ServerLine: Sendable {
  /// A parameter with its arguments.
  struct Parameter: Sendable {
    let name: String
    let arguments: [String]
    let range: Range<Int>
  }

  let name: String
  /// As written.
  let target: String
  let address: IPAddress?
  let port: UInt16?
  let statement: Statement
  /// Those of `default-server` before its own.
  private(set) var parameters: [Parameter]

  /// Where the name and the address are.
  var head: Range<Int> { statement.place(0..<3) }

  /// `defaults`: the parameters of the `default-server` lines before it.
  init(_ statement: Statement, defaults: [Parameter]) {
    self.statement = statement
    name = statement[1] ?? ""
    target = statement[2] ?? ""
    (address, port) = Self.endpoint(target)
    parameters = defaults + Self.parameters(of: statement, from: 3)
  }

  /// Whether a flag is set: the last of `ssl` and `no-ssl` counts.
  func has(_ name: String) -> Bool { parameters.last { $0.name == name || $0.name == "no-" + name }?.name == name }

  /// The argument of the last parameter of this name.
  func value(_ name: String) -> String? { parameters.last { $0.name == name }?.arguments.first }

  /// The parameters from a word on. What is none is a parameter without arguments, which nothing will know.
  static func parameters(of statement: Statement, from start: Int) -> [Parameter] {
    var parameters: [Parameter] = []
    var index = start
    while index < statement.words.count {
      let name = statement.words[index]
      let end = min(index + 1 + (arguments[name] ?? 0), statement.words.count)
      parameters.append(
        Parameter(
          name: name, arguments: Array(statement.words[(index + 1)..<end]), range: statement.place(index..<end)))
      index = end
    }
    return parameters
  }

  private static func endpoint(_ text: String) -> (IPAddress?, UInt16?) {
    var text = text
    for prefix in ["ipv4@", "ipv6@"] where text.hasPrefix(prefix) { text.removeFirst(prefix.count) }
    if let endpoint = try? Endpoint(parsing: text, defaultPort: 1) {
      let hasPort = (try? Endpoint(parsing: text)) != nil
      return (endpoint.address, hasPort ? endpoint.port : nil)
    }
    guard let colon = text.lastIndex(of: ":") else { return (nil, nil) }
    return (try? IPAddress(parsing: String(text[..<colon])), UInt16(text[text.index(after: colon)...]))
  }

  /// How many arguments a parameter has; none if it is not listed.
  private static let arguments: [String: Int] = {
    let single = [
      "addr", "agent-addr", "agent-inter", "agent-port", "agent-send", "alpn", "ca-file", "check-alpn", "check-proto",
      "check-sni", "ciphers", "ciphersuites", "client-sigalgs", "cookie", "crl-file", "crt", "curves", "error-limit",
      "fall", "fastinter", "downinter", "id", "init-addr", "inter", "init-state", "log-bufsize", "log-proto", "maxconn",
      "maxqueue", "max-reuse", "minconn", "namespace", "npn", "observe", "on-error", "on-marked-down", "on-marked-up",
      "pool-low-conn", "pool-max-conn", "pool-purge-delay", "port", "proto", "redir", "resolvers", "resolve-net",
      "resolve-opts", "resolve-prefer", "rise", "set-proxy-v2-tlv-fmt", "proxy-v2-options", "shard", "sigalgs",
      "slowstart", "sni", "socks4", "source", "ssl-max-ver", "ssl-min-ver", "tcp-ut", "track", "usesrc", "verify",
      "verifyhost", "weight", "ws", "interface", "idle-ping", "hash-key", "guid",
    ]
    return Dictionary(single.map { ($0, 1) }) { first, _ in first }
  }()
}
