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

  /// Keys that have another name now.
  static let formerKeys = ["order-file": "server-state-file"]

  /// Where a key belongs that stands in the wrong section; nil where that can't be told.
  static func home(of key: String, strayedTo section: String) -> String? {
    let isOfService = service.keys.contains { $0.name == key }
    switch section {
    case rootName where isOfService: return "to a service, below `services.NAME`"
    case sharedLimits.name where serviceLimits.keys.contains { $0.name == key }: return "in `limits` of each service"
    case serviceLimits.name where sharedLimits.keys.contains { $0.name == key }:
      return "in `limits` at the top level: all services share it"
    case service.name where !isOfService && root.keys.contains { $0.name == key }:
      return "to the top level: all services share it"
    default: break
    }
    guard let home = sections.first(where: { $0.keyNames.contains(key) }) else { return nil }
    if home.name == rootName { return "to the top level" }
    return section == rootName || section == service.name ? "in `\(home.name)`" : nil
  }

  /// What somebody with an empty file needs to see.
  static let smallest =
    "Minimum: service: NAME, tls: { certificate: PATH }, servers: { NAME: ADDRESS }, each on a line of its own."

  /// A heading's anchor as Markdown viewers make it.
  static func anchor(_ section: String) -> String {
    section.lowercased().replacing(".", with: "").replacing(" ", with: "-")
  }

  /// The file where it has one service, which needs no name; for the reference page all that there is.
  static let root = Section<Configuration>(
    name: rootName,
    keys: serviceKeys.map { $0.inside(\.only) } + [
      Key(
        "limits", \.writtenLimits, .section(limits), default: "see there", example: "{ connections: 4000 }",
        "Limits of connections, heads and queues.")
    ] + sharedKeys)

  /// The file where it has `services`.
  static let rootOfServices = Section<Configuration>(
    name: rootName,
    keys: [
      Key(
        "limits", \.limits, .section(sharedLimits), default: "see there", example: "{ connections: 4000 }",
        "Limits that all services share.")
    ] + sharedKeys)

  /// One of several services.
  static let service = Section<Configuration.Service>(
    name: "services.NAME",
    keys: serviceKeys + [
      Key(
        "limits", \.limits, .section(serviceLimits), default: "see there", example: "{ queue: 100 }",
        "Limits of heads and queues.")
    ])

  static func hasServices(_ root: Node) -> Bool {
    guard case .mapping(let entries) = root.content else { return false }
    return entries.contains { $0.key == servicesKey }
  }

  static let servicesKey = "services"
  static let exampleService =
    "cards: { service: cards.domain.local, mode: passthrough, servers: { view01: 192.168.1.165 } }"

  /// Of what all services share.
  private static let sharedKeys: [Key<Configuration>] = [
    Key(
      servicesKey, \.services, .services, default: "none", example: "{ \(exampleService) }",
      "Several services by name, each with its own keys of this table."),
    Key(
      "server-state-file", \.serverStateFile, .either("off", or: .path(.serverState)),
      example: "/var/lib/belvedere/server-state",
      """
      File that keeps the settings of `belvedere server` across a restart. Its directory must be writable, and not \
      that of `affinity.file` or the access log.
      """),
    Key(
      "log", \.log, .section(log), default: "see there", example: "{ level: debug }",
      "Operational log and access log."),
    Key(
      "threads", \.threads, .either("auto", or: .number(1...256)), example: "2",
      "Number of event loops. `auto`: one for each CPU that the process may use."),
    Key(
      "vrrp", \.virtualRouters, .oneOrMore(.section(virtualRouter)), default: "none",
      example: "{ interface: eth0, router: 51, priority: 101, address: 192.168.1.170/24 }",
      "The virtual address of a pair (docs/vrrp.md)."),
  ]

  /// Of one service.
  private static let serviceKeys: [Key<Configuration.Service>] = [
    Key(
      "service", \.names, .oneOrMore(.serviceName), required: true, example: "view.domain.local",
      """
      Host names of the service. The first is the canonical name: it is the target of redirects, the Host of health \
      checks, and the name that servers' certificates are verified against.
      """),
    Key(
      "mode", \.mode, .word, example: "passthrough",
      """
      `http`: Belvedere terminates TLS and routes requests. `passthrough`: it forwards TCP connections unread, and \
      the servers terminate TLS.
      """),
    Key(
      "listen", \.listeners, .oneOrMore(.listener(defaultPort: 443)), default: "`443`",
      example: "[192.168.1.170, \"[fd00::170]:443\"]",
      """
      Addresses and ports for clients. A port alone means every address, IPv4 and IPv6. The machine need not have \
      the address yet. `*` and brackets need quotes: `"*:443"`, `"[::]:443"`.
      """),
    Key(
      "redirect", \.redirect, .either("off", or: .section(redirect)), default: "on, see there", example: "off",
      "Plain http listeners that redirect clients to https."),
    Key(
      "relay", \.relay, .section(relay), default: "none", example: "{ tcp: [8443, 4172] }",
      "[Further ports](#ports-beside-443) that are relayed to the client's server."),
    Key(
      "tls", \.tls, .section(tls), default: "required in mode `http`",
      example: "{ certificate: /etc/belvedere/tls/view.pem }", "TLS towards clients."),
    Key(
      "servers", \.servers, .servers, required: true, example: "{ view01: 192.168.1.165, view02: 192.168.1.166 }",
      "The Connection Servers. Clients are assigned to servers by these names, and logs show them."),
    Key(
      "trust", \.trust, .trust, example: "{ ca: /etc/belvedere/tls/domain-ca.pem }",
      "Which certificates of servers are accepted. A server may have its own setting."),
    Key(
      "server-tls-profile", \.serverTLSProfile, .word, example: "old",
      "Which TLS is spoken with servers, as `tls.profile`. A server may have its own `tls-profile`."),
    Key(
      "health", \.health, .section(health), default: "see there", example: "{ interval: 2s, fall: 5 }",
      "Health checks of the servers."),
    Key(
      "affinity", \.affinity, .section(affinity), default: "see there", example: "{ hold: 3h }",
      "How a client is assigned to its server."),
    Key(
      "forwarded", \.forwarded, .section(forwarded), default: "see there", example: "{ add: false }",
      "Fields that tell servers about the client."),
    Key(
      "requests", \.requests, .section(requests), default: "see there", example: "{ hosts: any }",
      "Which requests are accepted."),
    Key(
      "pool", \.pool, .section(pool), default: "see there", example: "{ share: false }",
      "Idle connections to servers."),
    Key(
      "timeouts", \.timeouts, .section(timeouts), default: "see there", example: "{ server: 5m }",
      "Time-outs."),
    Key(
      "retries", \.retries, .number(0...10), example: "3",
      "Number of further attempts for a request of which nothing has been sent, on the same or another server."),
    Key(
      "errors", \.errorPages, .errorPages, example: "{ 503: /etc/belvedere/errors/503.html }",
      "HTML files that replace Belvedere's own error pages, at most 16 KiB each. Possible statuses: \(statusList)."),
  ]

  private static let statusList = Configuration.statusCodes.map(String.init).joined(separator: ", ")
}

extension Configuration: Defaulted {
  static let defaults = Configuration(services: [Service()])

  /// The service of a file without `services`.
  fileprivate var only: Service {
    get { services[0] }
    set { services[0] = newValue }
  }

  fileprivate var writtenLimits: WrittenLimits {
    get { WrittenLimits(shared: limits, own: only.limits) }
    set { (limits, only.limits) = (newValue.shared, newValue.own) }
  }
}

extension Configuration.Service: DefaultInitialized {}
