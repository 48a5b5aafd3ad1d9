/// Verdicts on parameters of `server` and `bind` lines that do not depend on the rest of the line.
enum ServerParameters {
  /// A parameter of a `server` line.
  static func verdict(on parameter: ServerLine.Parameter, isPassthrough: Bool) -> Verdict {
    let value = parameter.arguments.first ?? ""
    switch parameter.name {
    case "ssl" where isPassthrough: return .impossible("mode `passthrough` forwards connections as they are")
    case "verify":
      return value == "none" ? .taken("trust: insecure-no-verification") : .standard("certificates are verified")
    case "on-error" where value != "fastinter":
      return .impossible("a failure brings checks forward, and `health.passive` keeps new clients away")
    case "ca-file":
      return value.hasPrefix("@")
        ? .standard("trust: system") : .taken("trust; the certificate must have the server's name")
    default: return server[parameter.name] ?? .impossible("the import does not know this")
    }
  }

  /// A parameter of a `bind` line; nil for those that the service decides.
  static func bindVerdict(on parameter: ServerLine.Parameter) -> Verdict? { bind[parameter.name] }

  private static let chosen = Verdict.notNeeded("`tls.profile` chooses versions, ciphers and curves")
  private static let tuning = Verdict.notNeeded("tuning of HAProxy's own")
  private static let resolved = Verdict.notNeeded("servers have IP addresses")

  private static let server: [String: Verdict] = {
    var table: [String: Verdict] = [
      "check": .standard("servers are checked: health"), "no-check": .notNeeded("servers are checked: health"),
      "ssl": .standard("servers are reached with TLS"), "check-ssl": .standard("servers are checked with TLS"),
      "no-ssl": .notNeeded("`ssl` says more"), "no-check-ssl": .notNeeded("`health.check` decides"),
      "no-backup": .standard("backup: false"), "no-disabled": .standard("a server is enabled"),
      "enabled": .standard("a server is enabled"), "non-stick": .notNeeded("a client keeps its server"),
      "cookie": .notNeeded("`affinity.by` uses the cookie of the servers' sessions"),
      "check-send-proxy": .standard("checks send the header where requests do"),
      "no-send-proxy-v2": .standard("send-proxy-v2: false"), "no-send-proxy": .standard("send-proxy-v2: false"),
      "send-proxy": .impossible("use `send-proxy-v2`; version 1 is not available"),
      "send-proxy-v2-ssl": .impossible("use `send-proxy-v2`, which has no fields about TLS"),
      "send-proxy-v2-ssl-cn": .impossible("use `send-proxy-v2`, which has no fields about TLS"),
      "proxy-v2-options": .impossible("use `send-proxy-v2`, which has no further fields"),
      "on-error": .standard("the first failure brings checks forward"),
      "on-marked-down": .standard("health.on-down: close"),
      "on-marked-up": .notNeeded("a backup server gets no more new clients then"),
      "fastinter": .standard("checks come faster after a failure"),
      "downinter": .notNeeded("a server that is down is checked at `health.interval`"),
      "minconn": .notNeeded("`connections` of a server is the limit"), "id": .notNeeded("a number for the statistics"),
      "guid": .notNeeded("a number for the statistics"), "init-addr": resolved, "resolvers": resolved,
      "resolve-net": resolved, "resolve-opts": resolved, "resolve-prefer": resolved,
      "init-state": .notNeeded("servers are checked before clients are served"),
      "crt": .impossible("no client certificate is shown to servers"),
      "crl-file": .impossible("pin the certificate with `trust: { fingerprint: … }`, or reissue it"),
      "track": .notNeeded("each service checks its servers"),
      "redir": .impossible("clients are not redirected to servers"),
      "source": .impossible("connections have the address that the kernel's routes give"),
      "usesrc": .impossible("connections have the address that the kernel's routes give"),
      "interface": .impossible("connections have the address that the kernel's routes give"),
      "namespace": .impossible("run Belvedere in the namespace"), "socks4": .impossible("servers are reached directly"),
      "alpn": .standard("servers are reached with HTTP/1.1"), "npn": .standard("servers are reached with HTTP/1.1"),
      "proto": .notNeeded("servers are reached with HTTP/1.1"),
      "check-alpn": .standard("servers are checked with HTTP/1.1"),
      "check-proto": .notNeeded("servers are checked with HTTP/1.1"), "ws": .standard("WebSockets use HTTP/1.1"),
      "agent-check": .impossible("there is no agent; `belvedere server NAME drain` sets a server's state"),
      "allow-0rtt": .notNeeded("requests are sent after the handshake"),
      "no-ssl-reuse": .notNeeded("sessions are resumed"),
      "ssl-reuse": .standard("sessions are resumed"), "no-tls-tickets": .notNeeded("sessions are resumed"),
      "tls-tickets": .standard("sessions are resumed"), "no-verifyhost": .notNeeded("names are verified: trust"),
      "hash-key": .notNeeded("the hash uses the server's name"), "shard": tuning, "tfo": tuning, "no-tfo": tuning,
      "tcp-ut": .notNeeded("`timeouts` end dead connections"), "log-proto": tuning, "log-bufsize": tuning,
      "pool-low-conn": .notNeeded("`pool` has its own limits"), "pool-max-conn": .notNeeded("`pool.idle-connections`"),
      "pool-purge-delay": .notNeeded("`pool.idle-timeout`"), "max-reuse": .notNeeded("`pool` has its own limits"),
      "idle-ping": .notNeeded("`pool` has its own limits"),
      "check-via-socks4": .impossible("servers are reached directly"),
      "set-proxy-v2-tlv-fmt": .impossible("use `send-proxy-v2`, which has no further fields"),
    ]
    for name in ["agent-addr", "agent-inter", "agent-port", "agent-send"] { table[name] = table["agent-check"] }
    for name in [
      "ciphers", "ciphersuites", "curves", "sigalgs", "client-sigalgs", "ssl-max-ver", "no-sslv3",
      "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13", "sslv3", "tlsv10", "tlsv11", "tlsv12", "tlsv13",
      "force-sslv3",
    ] { table[name] = .notNeeded("`server-tls-profile` chooses versions, ciphers and curves") }
    return table
  }()

  private static let bind: [String: Verdict] = {
    var table: [String: Verdict] = [
      "ssl": .standard("clients are served with TLS"), "alpn": .notNeeded("clients are served with HTTP/1.1"),
      "npn": .notNeeded("clients are served with HTTP/1.1"), "proto": .notNeeded("clients are served with HTTP/1.1"),
      "transparent": .standard("the machine need not have the address"),
      "v4v6": .standard("every address is IPv4 and IPv6"),
      "v6only": .notNeeded("every address is IPv4 and IPv6"), "name": .notNeeded("a text for the statistics"),
      "id": .notNeeded("a number for the statistics"), "guid-prefix": .notNeeded("a number for the statistics"),
      "backlog": .notNeeded("the queue is as long as the kernel allows"),
      "maxconn": .impossible("`limits.connections` counts all connections"),
      "interface": .impossible("listen on the interface's address"),
      "namespace": .impossible("run Belvedere in the namespace"),
      "crt-list": .impossible("list the certificates under `tls.certificates`"),
      "ca-verify-file": .impossible("put these authorities into the file of `tls.client-certificates`"),
      "ca-ignore-err": .impossible("a certificate with an error is refused"),
      "crt-ignore-err": .impossible("a certificate with an error is refused"),
      "accept-proxy": .impossible("list the proxies: forwarded: { trusted-proxies: […], proxy-protocol: true }"),
      "accept-netscaler-cip": .impossible("let the proxy send the PROXY protocol: forwarded.proxy-protocol"),
      "strict-sni": .impossible(
        "a client without a known name gets the first certificate; its request must have a known Host"),
      "generate-certificates": .impossible("list the certificates under `tls.certificates`"),
      "allow-0rtt": .notNeeded("requests are read after the handshake"), "tls-tickets": .standard("tls.tickets: true"),
      "tls-ticket-keys": .notNeeded("`pair` shares the keys of tickets (docs/pair.md)"),
      "ocsp-update": .standard("tls.ocsp-stapling: true"), "prefer-client-ciphers": chosen,
    ]
    for name in [
      "sigalgs", "client-sigalgs", "ssl-max-ver", "no-sslv3",
      "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13", "sslv3", "tlsv10", "tlsv11", "tlsv12", "tlsv13",
      "force-sslv3",
    ] { table[name] = chosen }
    for name in [
      "defer-accept", "tfo", "mss", "nice", "process", "thread", "shards", "tcp-ut", "no-alpn", "quic-force-retry",
      "mode", "user", "group", "uid", "gid", "level", "expose-fd", "severity-output", "nbconn",
    ] { table[name] = tuning }
    return table
  }()
}
