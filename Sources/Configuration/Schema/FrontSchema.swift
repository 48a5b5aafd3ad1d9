import Wire

/// The side that clients see.
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
        "The private key in PEM, of `certificate`. `credential:NAME` is one that systemd hands over, see security.md."),
      Key(
        "certificates", \.certificates, .oneOrMore(.certificate), default: "none",
        example: "[/etc/belvedere/tls/view.pem, /etc/belvedere/tls/portal.pem]",
        "In place of `certificate`: several, chosen by the name that the client asks for. The first is for all others."),
      Key(
        "profile", \.profile, .word, example: "legacy",
        """
        `modern`: TLS 1.3 only. `intermediate`: TLS 1.2 and 1.3 as Mozilla recommends. `legacy`: also the CBC ciphers \
        that old View clients need.
        """),
      Key(
        "tickets", \.tickets, .flag, example: "off",
        "Whether clients resume sessions: by ticket, or by session id under TLS 1.2."),
      Key(
        "ticket-rotation", \.ticketRotation, .duration(.minutes(1)...(.hours(7 * 24))), example: "8h",
        "How often the key of tickets is replaced. Tickets of the key before are still accepted."),
      Key(
        "ocsp-stapling", \.ocspStapling, .flag, example: "off",
        """
        Whether the authority of a certificate that names an OCSP responder is asked, and its answer handed to clients. \
        Nothing waits for it.
        """),
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

  static let redirect = Section<Configuration.Redirect>(
    name: "redirect",
    keys: [
      Key(
        "listen", \.listeners, .oneOrMore(.listener(defaultPort: 80)), default: "port 80 of each address in `listen`",
        example: "192.168.1.170:80", "Where plain-text clients connect."),
      Key(
        "location", \.location, .optional(.location), default: "https, the same host and path",
        example: "https://view.domain.local/portal",
        "One target for everybody. Without it, a Host that is not a name of the service becomes the canonical name."),
    ])

  static let forwarded = Section<Configuration.Forwarded>(
    name: "forwarded",
    keys: [
      Key(
        "add", \.add, .flag, example: "false",
        """
        Whether X-Forwarded-For (the client's address), -Proto and -Host are set. What a client sends in these and \
        [their kin](#fields-that-strangers-may-not-send) is dropped either way.
        """),
      Key(
        "trusted-proxies", \.trustedProxies, .list(of: .prefix), example: "[10.0.0.0/8]",
        "Peers that may send these fields: theirs are kept, and X-Forwarded-For is extended."),
    ])
}

extension Schema {
  static let requests = Section<Configuration.Requests>(
    name: "requests",
    keys: [
      Key(
        "hosts", \.hosts, .either("any", or: .oneOrMore(.serviceName)), default: "none", example: "view.old.local",
        """
        Further names that Host may have. Those of `service` and of the certificates are known, and every address; a \
        request for another name is answered with 421. `any`: no name is held against them.
        """),
      Key(
        "get-body", \.allowsContentInGet, .flag, example: "on",
        "Whether a GET with a body is relayed. The server's connection is closed behind it. Without, it gets 400."),
    ])
}

extension Configuration.TLSTermination: Defaulted {
  static let defaults = Configuration.TLSTermination()

  /// The short form of a list of one certificate.
  fileprivate var soleChain: String {
    get { certificates.first?.chain ?? "" }
    set { certificates = [Configuration.Certificate(chain: newValue)] }
  }

  /// Without `certificate` before it the key has nothing to belong to, which is reported when the rules are checked.
  fileprivate var soleKey: String {
    get { certificates.first?.key ?? "" }
    set { if !certificates.isEmpty { certificates[0].key = newValue } }
  }
}

extension Configuration.Certificate: Defaulted {
  static let defaults = Configuration.Certificate(chain: "")
}

extension Configuration.Redirect: Defaulted {
  static let defaults = Configuration.Redirect()
}

extension Configuration.Requests: Defaulted {
  static let defaults = Configuration.Requests()
}

extension Configuration.Forwarded: Defaulted {
  static let defaults = Configuration.Forwarded()
}

extension Kind where Value == String {
  /// It is copied into an answer's head, so it must be one word of visible ASCII.
  fileprivate static let location = Kind.matching("URL", expected: "a URL such as https://view.domain.local/") {
    ($0.hasPrefix("https://") || $0.hasPrefix("http://")) && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) }
      && $0.utf8.count <= Schema.longestURL
  }
}
