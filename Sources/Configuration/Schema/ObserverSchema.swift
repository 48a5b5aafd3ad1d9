import Wire

/// The settings of `belvedere observe`.
extension Schema {
  static let observer = Section<Configuration.Observer>(
    name: "observe",
    keys: [
      Key(
        "listen", \.listeners, .oneOrMore(.listener(defaultPort: Configuration.Observer.port)),
        example: "[127.0.0.1, \"[::1]:9351\"]",
        "Addresses and ports for Prometheus and browsers, without TLS."),
      Key(
        "networks", \.networks, .list(of: .prefix), example: "[192.168.1.20, 10.0.0.0/8]",
        """
        The clients that are answered; others get 403. Without it every client is. Required if an address of `listen` \
        is not a loopback address.
        """),
      Key(
        "token", \.token, .optional(.path(.observerToken)), example: "credential:belvedere-observe.token",
        """
        File with a token that every request must have (`Authorization: Bearer`, or as the password of `Basic`). \
        belvedere-observe.service can read a `credential:NAME` of systemd only. Only with loopback addresses, because a \
        token can be read on the way.
        """),
    ])
}

extension Configuration.Observer: DefaultInitialized {}
