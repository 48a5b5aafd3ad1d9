import Wire

/// The settings of `belvedere observe`.
extension Schema {
  static let observer = Section<Configuration.Observer>(
    name: "observe",
    keys: [
      Key(
        "listen", \.listeners, .oneOrMore(.listener(defaultPort: Configuration.Observer.port)),
        example: "[127.0.0.1, \"[::1]:9351\"]",
        "Addresses and ports for Prometheus and browsers."),
      Key(
        "networks", \.networks,
        .oneOrMore(
          .prefix, whenEmpty: "Without `networks` all clients are answered: remove it, or list networks."),
        default: "all", example: "[192.168.1.20, 10.0.0.0/8]",
        """
        The clients that are answered; others get 403, with `tls` nothing. Without it every client is answered. This or \
        a `token` with `tls` is required if an address of `listen` is not a loopback address.
        """),
      Key(
        "token", \.token, .optional(.path(.observerToken)), example: "credential:belvedere-observe.token",
        """
        File with a token that every request must have (`Authorization: Bearer`, or as the password of `Basic`). \
        belvedere-observe.service can read a `credential:NAME` of systemd only. Without `tls` only with loopback \
        addresses, because a token can be read on the way.
        """),
      Key(
        "tls", \.certificate, .either("off", or: .section(observerCertificate)),
        example: "{ certificate: credential:belvedere-observe.pem, key: credential:belvedere-observe.key }",
        "Answers go by https, TLS 1.2 or later, instead of http."),
    ])

  static let observerCertificate = Section<Configuration.Certificate>(
    name: "observe.tls",
    keys: [
      Key(
        "certificate", \.chain, .path(.observerCertificate), required: true,
        example: "credential:belvedere-observe.pem",
        """
        The certificate chain in PEM, the certificate for this machine first, with the private key unless `key` is \
        given. Read at the start of `belvedere observe`. belvedere-observe.service can read a `credential:NAME` of \
        systemd only.
        """),
      Key(
        "key", \.key, .optional(.path(.observerKey)), default: "in the file of `certificate`",
        example: "credential:belvedere-observe.key", "The private key in PEM."),
    ])
}

extension Configuration.Observer: DefaultInitialized {}
