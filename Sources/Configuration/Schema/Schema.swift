/// The configuration file's language: every section with every key. Reading, the suggestions for misspelt keys and the
/// tables of `docs/configuration.md` all come from here.
package enum Schema {
  /// No list of the file has more entries: its rules compare each with each, while the virtual address waits.
  static let longestList = 1000
  /// As of a request that we take: a head with a longer one fits no buffer, and no TLS record.
  static let longestURL = 8 * 1024

  /// A section without its Swift type, for what only needs names and words.
  package struct Description: Sendable {
    package let name: String
    package let keys: [KeyDescription]

    var keyNames: some Collection<String> { keys.lazy.map(\.name) }

    init<Owner>(_ section: Section<Owner>) {
      name = section.name
      keys = section.keys.map {
        KeyDescription(
          name: $0.name, kind: $0.kind, standard: $0.standard, example: $0.example, meaning: $0.meaning,
          isRequired: $0.isRequired)
      }
    }
  }

  /// A key likewise; the texts are Markdown.
  package struct KeyDescription: Sendable {
    package let name, kind, standard, example, meaning: String
    package let isRequired: Bool
  }

  /// In the order of the reference page.
  package static let sections = [
    Description(root), Description(tls), Description(certificate), Description(redirect), Description(server),
    Description(trust), Description(health), Description(affinity), Description(forwarded), Description(requests),
    Description(pool), Description(timeouts), Description(limits), Description(log), Description(access),
    Description(virtualRouter), Description(authentication), Description(track), Description(mail),
  ]

  /// The section that is the file itself.
  package static let rootName = "the file"

  /// What somebody with an empty file needs to see.
  static let smallest =
    "The least: service: NAME, tls: { certificate: PATH }, servers: { NAME: ADDRESS }, each on a line of its own."

  /// A heading's anchor as Markdown viewers make it.
  static func anchor(_ section: String) -> String {
    section.lowercased().replacing(".", with: "").replacing(" ", with: "-")
  }

  static let root = Section<Configuration>(
    name: rootName,
    keys: [
      Key(
        "service", \.service, .oneOrMore(.serviceName), required: true, example: "view.domain.local",
        """
        What clients call the service. The first name is the canonical one: redirects lead to it, health checks send \
        it as Host, servers' certificates are verified against it.
        """),
      Key(
        "mode", \.mode, .word, example: "passthrough",
        "`http`: TLS ends here and requests are routed. `passthrough`: TCP is relayed unread, TLS ends on the servers."),
      Key(
        "listen", \.listeners, .oneOrMore(.listener(defaultPort: 443)), default: "`443`",
        example: "[192.168.1.170, \"[fd00::170]:443\"]",
        """
        Where clients connect. A port alone means every address, IPv4 and IPv6. Addresses may be absent from the \
        machine. `*` and brackets need quotes: `"*:443"`, `"[::]:443"`.
        """),
      Key(
        "redirect", \.redirect, .either("off", or: .section(redirect)), default: "on, see there", example: "off",
        "The plain-text listeners that send clients to https."),
      Key(
        "tls", \.tls, .section(tls), default: "required in mode `http`",
        example: "{ certificate: /etc/belvedere/tls/view.pem }", "What clients see of TLS."),
      Key(
        "servers", \.servers, .servers, required: true, example: "{ view01: 192.168.1.165, view02: 192.168.1.166 }",
        "The Connection Servers. Clients are placed by name, and logs show it."),
      Key(
        "trust", \.trust, .trust, example: "{ ca: /etc/belvedere/tls/domain-ca.pem }",
        "What makes a server's certificate acceptable; a server may have its own."),
      Key(
        "health", \.health, .section(health), default: "see there", example: "{ interval: 2s, fall: 5 }",
        "How servers are checked."),
      Key(
        "affinity", \.affinity, .section(affinity), default: "see there", example: "{ hold: 3h }",
        "How a client stays with its server."),
      Key(
        "order-file", \.orderFile, .either("off", or: .path(.orders)), example: "/var/lib/belvedere/orders",
        """
        Where `belvedere server` has its orders remembered over a restart. Its directory must be writable, and not that of \
        `affinity.file` or the access log.
        """),
      Key(
        "forwarded", \.forwarded, .section(forwarded), default: "see there", example: "{ add: false }",
        "What servers are told about the client."),
      Key(
        "requests", \.requests, .section(requests), default: "see there", example: "{ hosts: any }",
        "Which requests are relayed."),
      Key(
        "pool", \.pool, .section(pool), default: "see there", example: "{ share: false }",
        "Idle connections to servers."),
      Key(
        "timeouts", \.timeouts, .section(timeouts), default: "see there", example: "{ server: 5m }",
        "How long each side may take."),
      Key(
        "limits", \.limits, .section(limits), default: "see there", example: "{ connections: 4000 }",
        "How much of everything there may be."),
      Key(
        "retries", \.retries, .number(0...10), example: "3",
        "How many more times a request is tried, here or on another server, while nothing of it has been sent."),
      Key(
        "errors", \.errorPages, .errorPages, example: "{ 503: /etc/belvedere/errors/503.html }",
        "HTML files in place of Belvedere's own pages, at most 16 KiB each. Its answers: \(statusList)."),
      Key("log", \.log, .section(log), default: "see there", example: "{ level: debug }", "What is written where."),
      Key(
        "threads", \.threads, .either("auto", or: .number(1...256)), example: "2",
        "Event loops; `auto` is one for each CPU that the process may use."),
      Key(
        "vrrp", \.virtualRouters, .oneOrMore(.section(virtualRouter)), default: "none",
        example: "{ interface: eth0, router: 51, priority: 101, address: 192.168.1.170/24 }",
        "The virtual address that a pair shares (docs/vrrp.md)."),
    ])

  private static let statusList = Configuration.statusCodes.map(String.init).joined(separator: ", ")
}

extension Configuration: Defaulted {
  static let defaults = Configuration(service: [], servers: [])
}
