import Wire

/// The text shown at the start of the demo.
package struct Banner: Sendable {
  package let configuration: DemoConfiguration
  /// The path of the load balancer's binary, and its control socket.
  package let executable: String
  package let control: String

  private var url: String { "https://\(configuration.https)" }

  package var text: String {
    let servers = configuration.servers.map {
      "  \($0.name)      https://\($0.endpoint)   an example Connection Server\n"
    }
    return """

      Belvedere runs, with a certificate made a moment ago (so: curl -k).

        balancer    \(url)
        redirect    http://\(configuration.redirect)
      \(servers.joined())
      To try, in another terminal:

      \(tries.map { "  # \($0.what)\n  \($0.command)\n" }.joined(separator: "\n"))
      And here:

      \(PromptCommand.help(servers: configuration.servers.map(\.name)))
      """
  }

  /// Complete shell commands, one per line.
  package var tries: [(what: String, command: String)] {
    [
      ("a page that says which server answers, and what it knows of you", "curl -k \(url)/"),
      (
        "six clients, by address: each has its server, the same one every time",
        "for i in 6 7 8 9 10 11; do curl -sk --interface 127.0.0.$i \(url)/ | grep h1; done"
      ),
      ("plain HTTP is sent to https", "curl -i http://\(configuration.redirect)/portal/?a=b"),
      (
        "what a View client asks first",
        "curl -k \(url)/broker/xml -d '<broker version=\"2.0\"><get-configuration/></broker>'"
      ),
      ("what a server sees of your request", "curl -k \(url)/headers"),
      ("a gigabyte down", "curl -k -o /dev/null \(url)/bytes/1000000000"),
      ("half a gigabyte up; the answer is its SHA-256", "head -c 500000000 /dev/zero | curl -k -T - \(url)/digest"),
      (
        "a tunnel: every line comes back while the request still runs",
        "(for i in 1 2 3; do date; sleep 1; done) | curl -s -k -N -X POST -T . '\(url)/ice/tunnel?1'"
      ),
      (
        "a WebSocket's handshake (with a client such as websocat: wss://\(configuration.https)/ws)",
        "curl -k -i -N -m 2 --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' "
          + "-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \(url)/ws"
      ),
      (
        "what the balancer is at: servers, sessions, certificate, problems",
        "\(executable) status --control \(control)"
      ),
      (
        "view01 out of service, as before maintenance: its clients stay, new ones go elsewhere; `ready` takes it back",
        "\(executable) server view01 drain --control \(control)"
      ),
    ]
  }
}
