/// Verdicts on lines of haproxy.cfg that do not depend on their arguments, by their first words.
enum DirectiveTable {
  /// The verdict on a line of a proxy: that of the longest keyword.
  static func verdict(on words: [String]) -> Verdict? { verdict(on: words, in: proxy) }

  /// The verdict on a line of `global`.
  static func globalVerdict(on words: [String]) -> Verdict? {
    if let verdict = verdict(on: words, in: global) { return verdict }
    let keyword = words.first ?? ""
    if keyword.hasPrefix("tune.") || keyword.hasPrefix("no") && keyword.dropFirst(2).hasSuffix("poll") {
      return .notNeeded("tuning of HAProxy's own; docs/limits.md has Belvedere's limits")
    }
    return keyword.hasPrefix("lua-") ? .impossible("do without Lua") : nil
  }

  private static func verdict(on words: [String], in table: [String: Verdict]) -> Verdict? {
    for count in stride(from: min(3, words.count), through: 1, by: -1) {
      if let verdict = table[words[..<count].joined(separator: " ")] { return verdict }
    }
    return nil
  }

  private static let unit = Verdict.notNeeded("the systemd unit and its sandbox do this")
  private static let status = Verdict.notNeeded("`belvedere status` shows it")
  private static let counted = Verdict.notNeeded("`belvedere status` has the counters")
  private static let chosen = Verdict.notNeeded("`tls.profile` chooses versions, ciphers and curves")

  private static let global: [String: Verdict] = {
    var table: [String: Verdict] = [:]
    for word in [
      "chroot", "daemon", "user", "group", "uid", "gid", "pidfile", "master-worker", "ulimit-n", "fd-hard-limit",
      "set-dumpable", "mworker-max-reloads", "unix-bind", "localpeer", "node", "description", "zero-warning",
      "strict-limits", "default-path", "wurfl-data-file", "expose-experimental-directives",
      "expose-deprecated-directives",
      "insecure-fork-wanted", "insecure-setuid-wanted", "setcap", "shm-stats-file", "prealloc-fd", "quiet", "debug",
    ] { table[word] = unit }
    for word in ["nbproc", "cpu-map", "thread-groups", "thread-group", "numa-cpu-mapping", "cpu-policy", "cpu-set"] {
      table[word] = .notNeeded("`threads` are placed by the kernel")
    }
    for word in [
      "busy-polling", "max-spread-checks", "maxconnrate", "maxsessrate", "maxsslrate", "maxcompcpuusage",
      "maxcomprate", "maxpipes", "profiling.tasks", "profiling.memory", "anonkey", "close-spread-time", "grace",
      "h1-case-adjust",
      "h1-case-adjust-file", "noreuseport", "nosplice", "nogetaddrinfo", "h2-workaround-bogus-websocket-clients",
    ] { table[word] = .notNeeded("tuning of HAProxy's own; docs/limits.md has Belvedere's limits") }
    for word in [
      "ssl-default-bind-ciphers", "ssl-default-bind-ciphersuites", "ssl-default-bind-curves",
      "ssl-default-server-ciphers", "ssl-default-server-ciphersuites", "ssl-default-bind-sigalgs", "ssl-dh-param-file",
      "ssl-default-server-curves", "ssl-default-server-sigalgs", "ssl-propquery", "ssl-provider", "ssl-security-level",
    ] { table[word] = chosen }
    table["ssl-engine"] = .impossible("the system's OpenSSL is used as it is configured")
    table["ssl-load-extra-files"] = .notNeeded("name the key under `tls.key` if it is in a file of its own")
    table["ssl-load-extra-del-ext"] = .notNeeded("name the key under `tls.key` if it is in a file of its own")
    table["ssl-skip-self-issued-ca"] = .standard("a root is not sent")
    table["ssl-mode-async"] = unit
    table["spread-checks"] = .notNeeded("`health.jitter` spreads checks")
    table["stats socket"] = .notNeeded("`belvedere status` and `belvedere server` use /run/belvedere/control.sock")
    table["stats"] = status
    table["server-state-base"] = .notNeeded("`server-state-file` has a full path")
    table["server-state-file"] = .notNeeded(
      "`server-state-file` keeps what `belvedere server` sets; other states are checked again")
    table["log-send-hostname"] = .standard("the journal has the host name")
    table["log-tag"] = .standard("lines are logged as belvedere")
    table["external-check"] = .impossible("use `health`; programs are not run as checks")
    table["email-alert"] = .impossible("watch the log, or `belvedere status --json`")
    table["httpclient.ssl.verify"] = .notNeeded("there is no HTTP client")
    return table
  }()

  private static let proxy: [String: Verdict] = {
    var table: [String: Verdict] = [
      "option httplog": .standard("log.access.format: httplog"), "option tcplog": .standard("log.access"),
      "option dontlognull": .standard("connections without a request are not logged"),
      "option log-health-checks": .standard("changes of a server's state are logged"),
      "option redispatch": .standard("a request that could not be sent goes to another server"),
      "option http-server-close": .notNeeded(
        "connections to servers are pooled; `pool.idle-connections: 0` closes them"),
      "option httpclose": .notNeeded("connections to servers are pooled; `pool.idle-connections: 0` closes them"),
      "option forceclose": .notNeeded("connections to servers are pooled; `pool.idle-connections: 0` closes them"),
      "option http-keep-alive": .standard("connections are kept"),
      "option prefer-last-server": .standard("a client keeps its server"),
      "option http-ignore-probes": .standard("connections without a request are not answered"),
      "option http-no-delay": .standard("data are not delayed"),
      "option abortonclose": .standard("a queued request ends with its client"),
      "option httpslog": .notNeeded("the access log names the TLS version by `belvedere status`"),
      "option logasap": .notNeeded("a line is logged when the request has ended"),
      "option dontlog-normal": .impossible("log.access has every request; `log: { access: off }` has none"),
      "option contstats": counted, "option socket-stats": counted,
      "option allbackups": .standard("all backups share the clients"),
      "option persist": .standard("a client keeps its server"),
      "option checkcache": .notNeeded("the servers answer for their fields"),
      "option log-separate-errors": .notNeeded("the journal filters by severity"),
      "option clitcpka": .notNeeded("`timeouts` end dead connections"),
      "option srvtcpka": .notNeeded("`timeouts` end dead connections"),
      "option tcpka": .notNeeded("`timeouts` end dead connections"),
      "option nolinger": .notNeeded("source ports do not wait in TIME_WAIT"),
      "option independent-streams": .standard("each direction has its own time-out"),
      "option splice-auto": .notNeeded("tuning of HAProxy's own"),
      "option splice-request": .notNeeded("tuning of HAProxy's own"),
      "option splice-response": .notNeeded("tuning of HAProxy's own"),
      "option idle-close-on-response": .standard("idle connections close after an answer"),
      "option tcp-smart-accept": .notNeeded("tuning of HAProxy's own"),
      "option tcp-smart-connect": .notNeeded("tuning of HAProxy's own"),
      "option http-buffer-request": .notNeeded("bodies pass as they come"),
      "option http-use-htx": .notNeeded("tuning of HAProxy's own"),
      "option originalto": .impossible("the address that the client came to is not sent to servers"),
      "option accept-invalid-http-request": .impossible("ambiguous requests are refused"),
      "option accept-invalid-http-response": .impossible("ambiguous answers are refused"),
      "option transparent": .impossible("a server is reached by its own address"),
      "option external-check": .impossible("use `health`; programs are not run as checks"),
      "external-check": .impossible("use `health`; programs are not run as checks"),
      "option ldap-check": .impossible("`health: { check: tcp }` checks the port"),
      "option mysql-check": .impossible("`health: { check: tcp }` checks the port"),
      "option pgsql-check": .impossible("`health: { check: tcp }` checks the port"),
      "option redis-check": .impossible("`health: { check: tcp }` checks the port"),
      "option smtpchk": .impossible("`health: { check: tcp }` checks the port"),
      "no option redispatch": .impossible("a request that could not be sent goes to another server"),
      "no option forwardfor": .impossible("set forwarded: { add: false }"),
      "no option": .notNeeded("the option is off"), "description": .notNeeded("a text for the statistics"),
      "id": .notNeeded("a number for the statistics"), "enabled": .standard("a service is enabled"),
      "disabled": .impossible("remove the service from the file"),
      "stats": status, "hash-type": .notNeeded("the hash moves few clients when a server comes or goes"),
      "fullconn": .notNeeded("`connections` of a server is the limit"),
      "backlog": .notNeeded("the queue is as long as the kernel allows"),
      "dispatch": .impossible("name the servers"),
      "load-server-state-from-file": .notNeeded("`server-state-file` keeps what `belvedere server` sets"),
      "server-state-file-name": .notNeeded("`server-state-file` keeps what `belvedere server` sets"),
      "compression": .notNeeded("the servers compress"), "filter compression": .notNeeded("the servers compress"),
      "filter": .impossible("there are no filters"), "http-request cache-use": .notNeeded("answers are not cached"),
      "http-response cache-store": .notNeeded("answers are not cached"),
      "persist rdp-cookie": .impossible("use `affinity`"),
      "monitor-uri": .impossible("let monitors ask for /favicon.ico, which the servers answer"),
      "monitor": .impossible("let monitors ask for /favicon.ico, which the servers answer"),
      "email-alert": .impossible("watch the log, or `belvedere status --json`"),
      "rate-limit": .impossible("`rates` is for each client, not for all together"),
      "http-request capture": .notNeeded("the access log has fixed fields"),
      "http-request set-var": .notNeeded("there are no variables"),
      "tcp-request content capture": .notNeeded("the access log has fixed fields"),
      "capture": .notNeeded("the access log has fixed fields"),
      "declare": .notNeeded("the access log has fixed fields"),
      "log-format": .impossible("the access log has the fields of httplog, or JSON: log.access.format"),
      "log-format-sd": .impossible("the access log has the fields of httplog, or JSON: log.access.format"),
      "error-log-format": .impossible("the access log has the fields of httplog, or JSON: log.access.format"),
      "unique-id-format": .impossible("requests get no number"),
      "unique-id-header": .impossible("requests get no number"),
      "log-tag": .standard("lines are logged as belvedere"),
      "log-steps": .notNeeded("a line is logged when the request has ended"),
      "max-keep-alive-queue": .notNeeded("a client keeps its server"),
      "http-reuse": .notNeeded("`pool.share` decides; with NTLM a connection is never shared"),
      "source": .impossible("connections to servers have the address that the kernel's routes give"),
      "errorloc": .impossible("put a page of your own under `errors`"),
      "errorloc302": .impossible("put a page of your own under `errors`"),
      "errorloc303": .impossible("put a page of your own under `errors`"),
      "errorfiles": .impossible("name each page under `errors`"),
      "http-error": .impossible("put a page of your own under `errors`"),
      "force-persist": .notNeeded("`servers.NAME.names` and `ports` reach a server that drains"),
      "ignore-persist": .notNeeded("a client keeps its server"),
      "tcp-request inspect-delay": .notNeeded("the start of a connection has timeouts.tls-handshake"),
      "tcp-response inspect-delay": .notNeeded("nothing is read of the answer"), "grace": .standard("timeouts.stop"),
      "retry-on": .standard("what was not sent, or may be repeated, is tried again"),
      "clitcpka-cnt": .notNeeded("`timeouts` end dead connections"),
      "srvtcpka-cnt": .notNeeded("`timeouts` end dead connections"),
      "clitcpka-idle": .notNeeded("`timeouts` end dead connections"),
      "srvtcpka-idle": .notNeeded("`timeouts` end dead connections"),
      "clitcpka-intvl": .notNeeded("`timeouts` end dead connections"),
      "srvtcpka-intvl": .notNeeded("`timeouts` end dead connections"),
      "use-server": .impossible("give the server `names` or `ports` of its own"),
      "server-template": .impossible("write each server with its address"),
      "use-fcgi-app": .impossible("servers speak https"),
    ]
    for word in ["http-request", "http-response", "http-after-response", "tcp-request", "tcp-response"] {
      table[word] = .impossible("there are no rules on requests; let the servers or a firewall do this")
    }
    return table
  }()
}
