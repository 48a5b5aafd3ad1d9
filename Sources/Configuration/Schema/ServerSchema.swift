import Balancing
import Domain
import HTTP1
import Wire

/// The server side.
extension Schema {
  static let server = Section<Configuration.Server>(
    name: "servers.NAME",
    keys: [
      Key(
        "address", \.endpoint.address, .serverAddress, required: true, example: "192.168.1.165",
        "The server's IP address. A server with no other keys is written `view01: 192.168.1.165` or `…:8443`."),
      Key("port", \.endpoint.port, .number(1...65535), example: "8443", "The server's port."),
      Key(
        "weight", \.weight, .number(ServerWeight.range), example: "2",
        "The server's share of clients relative to the others. `0`: only clients already assigned to it (drain)."),
      Key(
        "backup", \.isBackup, .flag, example: "true", "Whether the server is used only if no other is available."),
      Key(
        "connections", \.connections, .number(1...1_000_000), example: "2000",
        """
        Maximum of concurrent requests and tunnels. Further requests are queued. From four on, one client address gets at \
        most three quarters (limits.md). Idle connections (`pool`) do not count.
        """
      ),
      Key(
        "server-name", \.serverName, .peerName, default: "the first name in `service`", example: "view01.domain.local",
        "The name sent in TLS (SNI) and required in the server's certificate."),
      Key(
        "trust", \.trust, .trust, default: "the file's `trust`",
        example: "insecure-no-verification", "Which certificates of this server are accepted."),
      Key(
        "tls-profile", \.tls.profile, .word, default: "the file's `server-tls-profile`", example: "old",
        "Which TLS is spoken with this server, as `tls.profile`. View servers before 7 need `old`."),
      Key(
        "send-proxy-v2", \.sendsProxyHeader, .flag, example: "true",
        """
        Whether connections to the server begin with [a PROXY protocol header](#a-header-for-the-server) that names the client. \
        The server must expect it; a Connection Server does not.
        """),
      Key(
        "names", \.names, .oneOrMore(.namedServer), default: "none", example: "view01.domain.local",
        """
        Host names that mean this server: [a request for one goes there and nowhere else](#names-and-ports-of-one-server). \
        In mode `http` only.
        """),
      Key(
        "ports", \.ports, .oneOrMore(.number(1...65535)), default: "none", example: "5001",
        """
        Ports of this server: [connections to them are served by it alone](#names-and-ports-of-one-server). \
        Belvedere listens there on every address in `listen`.
        """),
    ])

  static let trust = Section<WrittenTrust>(
    name: "trust",
    keys: [
      Key(
        "ca", \.authority, .optional(.path(.trustAnchors)), default: "none",
        example: "/etc/belvedere/tls/domain-ca.pem",
        "The certificate must be signed by an authority in this PEM file and contain the server's name."),
      Key(
        "fingerprint", \.fingerprints, .optional(.oneOrMore(.fingerprint)), default: "none",
        example: "\(exampleFingerprint)",
        """
        The certificate must have this SHA-256 fingerprint: `openssl x509 -noout -fingerprint -sha256 -in \
        server.pem`.
        """),
    ])

  static let health = Section<Configuration.Health>(
    name: "health",
    keys: [
      Key(
        "check", \.check, .word, example: "tcp",
        """
        `https`: a request that is answered with one of `expect`; 503 means drain: known clients stay, new ones go elsewhere. \
        `tls`: a handshake. `tcp`: a connection, which a hung server may still accept.
        """),
      Key("path", \.path, .requestPath, example: "/favicon.ico", "The path that is requested."),
      Key("method", \.method, .word, example: "HEAD", "The method of the request."),
      Key(
        "host", \.host, .hostField, default: "the first name in `service`", example: "view01.domain.local",
        "The Host of the request. A Connection Server refuses unknown names."),
      Key(
        "expect", \.expect, .oneOrMore(.number(200...599)), example: "[200, 302]",
        "The statuses of an answer with which a check is successful. 503 means drain unless it is one of them."),
      Key(
        "interval", \.interval, .duration(.milliseconds(10)...(.hours(1))), example: "2s",
        "Time from the start of one check to the start of the next while the server is well, or known to be down."),
      Key(
        "timeout", \.timeout, .duration(.milliseconds(10)...(.hours(1))), example: "10s",
        """
        Time-out for connection, handshake and the complete answer together. The connection alone may take 1.2 seconds.
        """),
      Key(
        "rise", \.rise, .number(1...100), example: "3",
        "Number of consecutive successful checks after which a server is up."),
      Key(
        "fall", \.fall, .number(1...100), example: "5",
        "Number of consecutive failed checks after which a server is down."),
      Key(
        "jitter", \.jitter, .duration(.zero...(.minutes(10))), default: "a tenth of `interval`", example: "200ms",
        "Maximum random change of an interval, so that checks of several servers do not coincide."),
      Key(
        "passive", \.passive, .flag, example: "on",
        """
        Whether a server gets no new clients for two minutes when more than half of its clients, and at least four, met \
        only failures within 30 seconds. Other servers must be able to take new clients.
        """),
      Key(
        "slow-start", \.slowStart, .duration(.zero...(.hours(24))), example: "10m",
        """
        Time in which the share of new clients of a server that was down or in maintenance grows from almost nothing to what \
        its weight says. Clients assigned to it return at once. 0s: no slow start.
        """),
      Key(
        "on-down", \.onDown, .word, example: "keep",
        """
        What happens to the requests and tunnels of a server that is down and no longer answers. `close`: they end at \
        once, and the clients reconnect to another server. `keep`: they continue while they can.
        """),
    ])

  static let affinity = Section<Configuration.Affinity>(
    name: "affinity",
    keys: [
      Key(
        "by", \.by, .oneOrMore(.affinityKey), example: "[tunnel, cookie JSESSIONID, client-address]",
        """
        What identifies a client. The first entry that finds an assigned server decides. At most one cookie; `tunnel` comes \
        first.
        """),
      Key(
        "hold", \.hold, .duration(.seconds(1)...(.hours(7 * 24))), example: "3h",
        "How long an idle client is remembered. A View session can be idle for more than 90 minutes."),
      Key(
        "ipv4-prefix", \.ipv4Prefix, .number(1...32), example: "24",
        "Number of leading bits of an IPv4 address that identify a client."),
      Key(
        "ipv6-prefix", \.ipv6Prefix, .number(1...128), example: "56",
        "Number of leading bits of an IPv6 address that identify a client."
      ),
      Key(
        "entries", \.entries, .number(1...AffinitySnapshot.recordLimit), example: "20000",
        """
        Number of clients that are remembered in each way of `by`. A new one replaces the one that has been idle longest.
        """),
      Key(
        "file", \.file, .either("off", or: .path(.affinity)), example: "/var/lib/belvedere/worker/affinity",
        """
        File that keeps the assignments across a restart. Its directory must be writable and contain no file of the \
        supervisor's (`server-state-file`, hooks), because the worker can replace files there.
        """),
    ])

  static let pool = Section<Configuration.Pool>(
    name: "pool",
    keys: [
      Key(
        "share", \.share, .flag, example: "false",
        "Whether a server's connection may serve several clients. With NTLM and Negotiate it never does."),
      Key(
        "idle-connections", \.idleConnections, .number(0...10_000), example: "8",
        """
        Minimum of idle connections that each thread keeps to each server. It keeps more if more were in use at once \
        within the last minute (limits.md). 0 keeps none.
        """),
      Key("idle-timeout", \.idleTimeout, .timeout, example: "5s", "How long an idle connection is kept."),
    ])

  private static let exampleFingerprint =
    "5E:88:48:98:DA:28:04:71:51:D0:E5:6F:8D:C6:29:27:73:60:3D:0D:6A:AB:BD:D6:2A:11:EF:72:1D:15:42:D8"
}

extension Configuration.Server: Defaulted {
  static let defaults = Configuration.Server(
    name: "", endpoint: Endpoint(address: IPAddress(v4: 0), port: Endpoint.httpsPort), serverName: "")
}

extension Configuration.Health: DefaultInitialized {}
extension Configuration.Affinity: DefaultInitialized {}
extension Configuration.Pool: DefaultInitialized {}

extension Kind where Value == Configuration.Affinity.Key {
  fileprivate static let affinityKey = Kind.text(
    "`client-address`, `cookie NAME` or `tunnel`",
    expected: "`client-address`, `tunnel`, or a cookie such as `cookie JSESSIONID`",
    write: { key in
      switch key {
      case .tunnel: "tunnel"
      case .clientAddress: "client-address"
      case .cookie(let cookie): "cookie \(cookie.name)"
      }
    },
    parse: { text throws(Complaint) in
      let words = text.split(separator: " ")
      if words == ["client-address"] { return .clientAddress }
      if words == ["tunnel"] { return .tunnel }
      guard words.first == "cookie" else { return nil }
      guard words.count == 2, let cookie = SessionCookie(name: String(words[1])) else {
        throw Complaint(message: "`cookie` needs the cookie's name after it, such as `cookie JSESSIONID`")
      }
      return .cookie(cookie)
    })
}

extension Kind where Value == String {
  /// An origin-form request target (RFC 9112 §3.2.1).
  fileprivate static let requestPath = Kind.matching("path in a URL", expected: "a path such as /favicon.ico") {
    $0.hasPrefix("/") && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }
      && $0.utf8.count <= Schema.longestURL
  }

  /// A Host field's value (RFC 9110 §7.2): a name, with or without a port.
  fileprivate static let hostField = Kind.matching(
    "host name, with or without a port", expected: "a host name such as view.domain.local"
  ) { HostName.split($0, defaultPort: Endpoint.httpsPort) != nil }
}
