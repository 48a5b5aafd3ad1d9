import Domain
import Wire

/// The client side.
extension Schema {
  static let tls = Section<Configuration.TLSTermination>(
    name: "tls",
    keys: [
      Key(
        "certificate", \.soleChain, .path(.certificate, "Several go under `certificates`."),
        default: "this or `certificates` is required",
        example: "/etc/belvedere/tls/view.pem",
        "The certificate chain in PEM, the service's own certificate first, with the private key unless `key` is given."
      ),
      Key(
        "key", \.soleKey, .path(.privateKey), default: "in the file of `certificate`",
        example: "/etc/belvedere/tls/view.key",
        """
        The private key of `certificate` in PEM. `credential:NAME` is a credential passed by systemd, see \
        security.md.
        """),
      Key(
        "certificates", \.certificates, .oneOrMore(.certificate), default: "none",
        example: "[/etc/belvedere/tls/view.pem, /etc/belvedere/tls/portal.pem]",
        """
        Several certificates instead of `certificate`, selected by the name that the client requests (SNI). The first \
        is the default.
        """),
      Key(
        "profile", \.profile, .word, example: "legacy",
        """
        `modern`: TLS 1.3 only. `intermediate`: TLS 1.2 and 1.3 as Mozilla recommends. `legacy`: also the CBC ciphers \
        that old View clients need. `old`: also TLS 1.0 and 1.1, RSA key exchange and SHA-1, all of them broken, and \
        certificates with weak keys or MD5.
        """),
    ] + restrictions.map { $0.inside(\.restrictions) } + [
      Key(
        "refuse-names", \.refusedNames, .oneOrMore(.requestedName), default: "none",
        example: "[old.domain.local, \"*.test.domain.local\"]",
        """
        Names (SNI) for which a client [gets no handshake](#names-without-a-handshake), whatever the certificates say. \
        `*.` stands for one label.
        """),
      Key(
        "unknown-names", \.unknownNames, .word, example: "refuse",
        """
        `serve`: a client that asks for an unknown name, or for none, gets the first certificate. `refuse`: it \
        [gets no handshake](#names-without-a-handshake).
        """),
      Key(
        "tickets", \.tickets, .flag, example: "off",
        "Whether clients can resume sessions, by ticket or, with TLS 1.2, by session ID."),
      Key(
        "ticket-rotation", \.ticketRotation, .duration(.minutes(1)...(.hours(7 * 24))), example: "8h",
        "How often the ticket key is replaced. Tickets with the previous key are still accepted."),
      Key(
        "ocsp-stapling", \.ocspStapling, .flag, example: "off",
        "Whether OCSP answers are fetched in the background and stapled, for certificates that name a responder."),
      Key(
        "client-certificates", \.clientCertificates, .either("off", or: .section(clientCertificates)),
        example: "{ ca: /etc/belvedere/tls/clients-ca.pem }",
        "Which [certificates clients](client-certificates.md) must have."),
    ])

  static let certificate = Section<Configuration.Certificate>(
    name: "tls.certificates",
    keys: [
      Key(
        "certificate", \.chain, .path(.certificate), required: true, example: "/etc/belvedere/tls/view.pem",
        "The certificate chain in PEM, the service's own certificate first."),
      Key(
        "key", \.key, .optional(.path(.privateKey)), default: "in the file of `certificate`",
        example: "/etc/belvedere/tls/view.key", "The private key in PEM."),
    ])

  private static let severalInOne = "One file may have several, one after the other."

  static let clientCertificates = Section<Configuration.ClientCertificates>(
    name: "tls.client-certificates",
    keys: [
      Key(
        "ca", \.authorities, .path(.clientAuthorities, severalInOne), required: true,
        example: "/etc/belvedere/tls/clients-ca.pem",
        "The authorities whose certificates are accepted, in PEM: roots or intermediates, at most 64."),
      Key(
        "crl", \.revocationLists, .optional(.path(.revocationLists, severalInOne)), default: "none are checked",
        example: "/etc/belvedere/tls/clients-crl.pem",
        """
        Revocation lists in PEM, one of each authority and of each intermediate below it. Clients of an authority \
        without a list, or with an expired one, are refused.
        """),
      Key(
        "required", \.isRequired, .flag(synonyms: ["required": true, "optional": false]),
        example: "false",
        "Whether clients without a certificate are refused. One that is sent must be accepted in any case."),
      Key(
        "headers", \.sendsFields, .flag, example: "true",
        "Whether servers are told of the certificate in [X-SSL-Client- fields](client-certificates.md#headers)."),
    ])

  static let redirect = Section<Configuration.Redirect>(
    name: "redirect",
    keys: [
      Key(
        "listen", \.listeners, .oneOrMore(.listener(defaultPort: 80)), default: "port 80 of each address in `listen`",
        example: "192.168.1.170:80", "Addresses and ports for plain http."),
      Key(
        "location", \.location, .optional(.location), default: "https, the same host and path",
        example: "https://view.domain.local/portal",
        """
        A fixed target for all requests. Without it, a Host that is not a name of the service is replaced by the \
        canonical name.
        """),
    ])

  static let relay = Section<Configuration.Relay>(
    name: "relay",
    keys: [
      Key(
        "tcp", \.tcp, .oneOrMore(.number(1...65535)), default: "none", example: "[8443, 4172]",
        """
        TCP ports, on every address in `listen`. Connections are forwarded unread to the same port of the server that \
        the client's address is assigned to.
        """),
      Key(
        "udp", \.udp, .oneOrMore(.number(1...65535)), default: "none", example: "[4172, 8443]",
        "UDP ports likewise: [datagrams](#udp) go to the same server."),
    ])

  static let forwarded = Section<Configuration.Forwarded>(
    name: "forwarded",
    keys: [
      Key(
        "add", \.add, .flag, example: "false",
        """
        Whether X-Forwarded-For (the client's address), -Proto and -Host are set. A client's own values of these and \
        of [similar fields](#fields-that-clients-may-not-send) are dropped in any case.
        """),
      Key(
        "trusted-proxies", \.trustedProxies, .list(of: .prefix), example: "[10.0.0.0/8]",
        """
        Proxies that may send these fields: their values are kept, and X-Forwarded-For is extended. The client of each of \
        their requests is the [last address in X-Forwarded-For](#clients-behind-proxies) that is none of theirs.
        """),
      Key(
        "proxy-protocol", \.proxyProtocol, .flag, example: "on",
        """
        Whether every connection of `trusted-proxies` begins with a header of the \
        [PROXY protocol](#the-proxy-protocol), version 1 or 2. Its source is the client then. Also in mode \
        `passthrough`, and where `redirect` listens.
        """),
    ])
}

extension Schema {
  static let requests = Section<Configuration.Requests>(
    name: "requests",
    keys: [
      Key(
        "hosts", \.hosts, .either("any", or: .oneOrMore(.serviceName)), default: "none", example: "view.old.local",
        """
        Further names accepted in Host, besides those of `service`, those of the certificates, and addresses. A \
        request for another name is answered with 421. `any`: every name is accepted.
        """),
      Key(
        "get-body", \.allowsContentInGet, .flag, example: "on",
        """
        Whether a GET with a body is forwarded. The server's connection is closed after it. If off, the request is \
        answered with 400.
        """),
    ])
}

extension Configuration.TLSTermination: DefaultInitialized {
  /// The short form of a list of one certificate.
  fileprivate var soleChain: String {
    get { certificates.first?.chain ?? "" }
    set { certificates = [Configuration.Certificate(chain: newValue)] }
  }

  /// A key without a preceding `certificate` is invalid, which the rules report.
  fileprivate var soleKey: String {
    get { certificates.first?.key ?? "" }
    set { if !certificates.isEmpty { certificates[0].key = newValue } }
  }
}

extension Configuration.Certificate: Defaulted {
  static let defaults = Configuration.Certificate(chain: "")
}

extension Configuration.ClientCertificates: DefaultInitialized {}
extension Configuration.Redirect: DefaultInitialized {}
extension Configuration.Requests: DefaultInitialized {}
extension Configuration.Forwarded: DefaultInitialized {}

extension Kind where Value == String {
  /// It is copied into a response's head, so it must consist of visible ASCII without spaces.
  fileprivate static let location = Kind.matching("URL", expected: "a URL such as https://view.domain.local/") {
    ($0.hasPrefix("https://") || $0.hasPrefix("http://")) && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) }
      && $0.utf8.count <= Schema.longestURL
  }
}
