import Configuration
import Import
import Testing

/// Verdicts that must be true: what is not the same afterwards is `not possible`.
@Suite struct ImportTruthTests {
  /// A part of haproxy.cfg, and what the new file and the report must and must not have.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    var has: [String] = []
    var hasNot: [String] = []
    var testDescription: String { name }
  }

  static let secure = "frontend view\nmode http\nbind :443 ssl crt /c.pem\n"
  static let servers = """
    backend cs
    mode http
    server view01 192.168.1.165:443 ssl verify none check
    server view02 192.168.1.166:443 ssl verify none check

    """

  static let rules: [Case] = [
    Case(
      name: "a redirect of one path stays a person's decision",
      text: secure + "bind :80\nhttp-request redirect scheme https unless { ssl_fc }\n"
        + "http-request redirect location https://view.domain.local/portal/ if { path / }\ndefault_backend cs\n"
        + servers,
      has: ["https unless { ssl_fc }: the default anyway", "{ path / }: not possible"], hasNot: ["location: https"]),
    Case(
      name: "a redirect of https clients is none of plain http",
      text: secure + "redirect prefix https://view.domain.local\ndefault_backend cs\n" + servers,
      has: ["redirect: off", "redirect prefix https://view.domain.local: not possible"]),
    Case(
      name: "a listener with two redirects has a conditional one and one for the rest",
      text: secure + "default_backend cs\n" + servers
        + "frontend clear\nmode http\nbind :80\nredirect location https://old.domain.local/gone if { path /gone }\n"
        + "redirect scheme https code 302\n",
      has: ["{ path /gone }: not possible", "redirect scheme https: the default anyway", "code 302: not needed"],
      hasNot: ["location: https"]),
    Case(
      name: "a prefix is not the default",
      text: secure + "default_backend cs\n" + servers
        + "frontend clear\nmode http\nbind :80\nredirect prefix https://view.domain.local/base\n",
      has: ["/base: not possible"]),
    Case(
      name: "a refusal that matches parts of a name is no list of names",
      text: secure + "acl v hdr_dom(host) -i domain.local\nacl w hdr(host) -m beg view.\n"
        + "http-request deny unless v\nhttp-request deny unless w\ndefault_backend cs\n" + servers,
      has: ["deny unless v: not possible", "deny unless w: not possible"], hasNot: ["service: domain.local"]),
    Case(
      name: "a name that is refused is none of the service",
      text: secure + "acl admin hdr(host) -i admin.domain.local\nhttp-request deny if admin\ndefault_backend cs\n"
        + servers,
      has: ["deny if admin: not possible"], hasNot: ["service: admin"]),
    Case(
      name: "names that a refusal lets through are those of the service",
      text: secure + "acl v hdr(host) -i view.domain.local portal.domain.local\nhttp-request deny unless v\n"
        + "default_backend cs\n" + servers,
      has: ["service: [view.domain.local, portal.domain.local]", "deny unless v: taken over: service has the names"]),
    Case(
      name: "fields with other values are not added",
      text: secure + "http-request set-header X-Forwarded-Proto https\n"
        + "http-request set-header X-Forwarded-For %[hdr(CF-Connecting-IP)]\ndefault_backend cs\n" + servers,
      has: ["X-Forwarded-Proto https: the default anyway", "%[hdr(CF-Connecting-IP)]: not possible"]),
    Case(
      name: "constant fields are set and removed",
      text: secure + "http-request set-header X-Entrance internet\nhttp-request del-header X-Debug\n"
        + "http-response del-header Server\nhttp-response set-header X-Frame-Options \"SAMEORIGIN\" if { ssl_fc }\n"
        + "http-after-response set-header Strict-Transport-Security \"max-age=31536000; includeSubDomains\"\n"
        + "default_backend cs\n" + servers,
      has: [
        "set: { X-Entrance: internet }", "remove: [X-Debug]", "remove: [Server]", "X-Frame-Options: SAMEORIGIN",
        "max-age: 365d", "include-subdomains: true", "X-Entrance internet: taken over", "X-Debug: taken over",
        "headers.response.set: X-Frame-Options, in the redirect of plain http as well",
      ]),
    Case(
      name: "fields with variables and conditions are none that are always the same",
      text: secure + "http-request set-header X-Client %[src]\nhttp-request set-header X-A 1 if { path /a }\n"
        + "http-request set-header Cookie x\nhttp-request del-header X-B -m beg\nhttp-request set-header X-C 1\n"
        + "http-request set-header x-c 2\nhttp-request set-header X-Share 50%%\n"
        + "http-response set-header Strict-Transport-Security \"max-age=1; preload\"\ndefault_backend cs\n" + servers,
      has: [
        "%[src]: not possible", "{ path /a }: not possible", "Cookie x: not possible", "-m beg: not possible",
        "X-C: ", "x-c 2: not possible", "X-Share: \"50%\"", "preload\": not possible",
      ], hasNot: ["X-Client: ", "X-A: ", "Cookie: ", "\nhsts: "]),
    Case(
      name: "the opposite of a list of proxies is no list",
      text: secure + "tcp-request connection expect-proxy layer4 unless { src 10.0.0.0/8 }\ndefault_backend cs\n"
        + servers,
      has: ["{ src 10.0.0.0/8 }: not possible"], hasNot: ["trusted-proxies: 10", "[10.0.0.0/8]"]),
    Case(
      name: "the first use_backend without a condition wins over default_backend",
      text: secure + "default_backend old\nuse_backend cs\nuse_backend old\n" + servers
        + "backend old\nmode http\nserver old01 192.168.1.1:443 ssl verify none\n",
      has: ["view01: ", "default_backend old: not needed"], hasNot: ["old01: "]),
    Case(
      name: "the default_backend of a frontend wins over that of defaults",
      text: "defaults\ndefault_backend old\n" + secure + "default_backend cs\n" + servers
        + "backend old\nmode http\nserver old01 192.168.1.1:443 ssl verify none\n",
      has: ["view01: "], hasNot: ["old01: "]),
  ]

  static let listeners: [Case] = [
    Case(
      name: "servers without a port have the port of the client",
      text: "listen uag\nmode tcp\nbind :443\nbind :8443\nbind :4172\ntimeout client 24h\ntimeout server 20h\n"
        + "server uag01 10.0.0.11 check\nserver uag02 10.0.0.12 check\n",
      has: ["tcp: [8443, 4172]", "uag01: 10.0.0.11, uag02: 10.0.0.12", "tunnel: 24h"], hasNot: ["listen: ["]),
    Case(
      name: "ports of servers that have their own stay listeners",
      text: "listen uag\nmode tcp\nbind :443\nbind :8443\nserver uag01 10.0.0.11:443 check\n",
      has: ["listen: [443, 8443]"], hasNot: ["relay:"]),
    Case(
      name: "plain http does not become a listener with TLS",
      text: secure + "default_backend cs\n" + servers + "frontend off\nmode http\nbind :8000\ndefault_backend cs\n",
      has: ["bind :8000: not possible"], hasNot: ["listen: 8000", "ports: 8000"]),
    Case(
      name: "a listener that ends TLS is not relayed",
      text: secure + "default_backend cs\n" + servers
        + "listen blast\nmode tcp\nbind :8443 ssl crt /c.pem\nserver view01 192.168.1.165:8443 ssl verify none\n"
        + "server view02 192.168.1.166:8443 ssl verify none\n",
      has: ["mode tcp: not possible"], hasNot: ["relay:"]),
    Case(
      name: "settings of a relayed port that the servers do not have are reported",
      text: secure + "default_backend cs\n" + servers
        + "listen pcoip\nmode tcp\nbind :4172\ntimeout client 10h\ntimeout server 10h\n"
        + "server view01 192.168.1.165:4172 maxconn 20\nserver view02 192.168.1.166:4172 backup\n",
      has: ["tcp: 4172", "tunnel: 10h", "maxconn 20: not possible", "backup: not possible"]),
    Case(
      name: "a server that is verified does not join one that is not",
      text: secure + "default_backend cs\n" + servers
        + "listen one\nmode http\nbind :5001 ssl crt /c.pem\nserver view01 192.168.1.165:443 ssl ca-file /ca.pem\n",
      has: ["ca: /ca.pem"], hasNot: ["ports: 5001"]),
    Case(
      name: "a port of one server with another certificate is a service of its own",
      text: secure + "default_backend cs\n" + servers
        + "listen one\nmode http\nbind :5001 ssl crt /d.pem\nserver view01 192.168.1.165:443 ssl verify none\n",
      has: ["certificate: /d.pem"], hasNot: ["ports: 5001"]),
    Case(
      name: "another time-out of a port of one server is reported",
      text: secure + "default_backend cs\n" + servers
        + "listen one\nmode http\nbind :5001 ssl crt /c.pem\ntimeout server 3h\n"
        + "server view01 192.168.1.165:443 ssl verify none\n",
      has: ["ports: 5001", "timeout server 3h: not possible"]),
    Case(
      name: "services on other addresses are not named after each other",
      text: "frontend a\nmode http\nbind 10.0.0.1:443 ssl crt /c.pem\nacl n hdr(host) -i a.domain.local\n"
        + "use_backend cs if n\nfrontend b\nmode http\nbind 10.0.0.2:443 ssl crt /c.pem\ndefault_backend other\n"
        + servers + "backend other\nmode http\nserver o1 10.0.1.1:443 ssl verify none\n",
      has: ["service of b: the host name"]),
    Case(
      name: "each service redirects to its own place",
      text: "frontend a\nmode http\nbind 10.0.0.1:443 ssl crt /c.pem\ndefault_backend cs\n"
        + "frontend b\nmode http\nbind 10.0.0.2:443 ssl crt /c.pem\ndefault_backend other\n"
        + servers + "backend other\nmode http\nserver o1 10.0.1.1:443 ssl verify none\n"
        + "frontend c\nmode http\nbind 10.0.0.1:80\nredirect location https://a.domain.local/x\n"
        + "frontend d\nmode http\nbind 10.0.0.2:80\nredirect location https://b.domain.local/y\n",
      has: [
        "location: https://a.domain.local/x", "location: https://b.domain.local/y", "service: a.domain.local",
        "service: b.domain.local",
      ]),
  ]

  static let settings: [Case] = [
    Case(
      name: "limits of two frontends are no limit of all",
      text: secure + "maxconn 100\ndefault_backend cs\n" + servers
        + "frontend b\nmode http\nbind :9443 ssl crt /c.pem\nmaxconn 5000\ndefault_backend cs2\n"
        + "backend cs2\nmode http\nserver o1 10.0.1.1:443 ssl verify none\n",
      has: ["maxconn 100: not possible", "maxconn 5000: not possible"], hasNot: ["connections: "]),
    Case(
      name: "the table of another backend counts",
      text: "backend t\nstick-table type ip size 20k expire 10h\n" + secure + "default_backend cs\n" + servers
        + "stick on src table t\n",
      has: ["hold: 10h", "entries: 20480"]),
    Case(
      name: "versions of TLS come from global",
      text: "global\nssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets\n"
        + "ssl-default-server-options ssl-min-ver TLSv1.0\n" + secure + "default_backend cs\n" + servers,
      has: ["profile: modern", "tickets: false", "server-tls-profile: old"]),
    Case(
      name: "a listener's own version of TLS counts before that of global",
      text: "global\nssl-default-bind-options ssl-min-ver TLSv1.0\n"
        + "frontend view\nmode http\nbind :443 ssl crt /c.pem ssl-min-ver TLSv1.2\ndefault_backend cs\n" + servers,
      hasNot: ["profile: old"]),
    Case(
      name: "listeners with different versions are a person's decision",
      text: "frontend view\nmode http\nbind 10.0.0.1:443 ssl crt /c.pem\n"
        + "bind 10.0.0.2:443 ssl crt /c.pem ssl-min-ver TLSv1.0\ndefault_backend cs\n" + servers,
      has: ["ssl-min-ver TLSv1.0: not possible"], hasNot: ["profile: old"]),
    Case(
      name: "the last kind of check counts, and statuses are exact",
      text: secure + "default_backend cs\nbackend cs\nmode http\noption tcp-check\noption httpchk GET /favicon.ico\n"
        + "http-check expect rstatus (200|302)\nserver view01 192.168.1.165:443 ssl verify none check maxqueue 0\n",
      has: ["expect: [200, 302]", "tcp-check: not needed", "maxqueue 0: not needed"], hasNot: ["queue: 0"]),
    Case(
      name: "a class of statuses is no list",
      text: secure + "default_backend cs\nbackend cs\nmode http\noption httpchk GET /favicon.ico\n"
        + "http-check expect rstatus ^2\nserver view01 192.168.1.165:443 ssl verify none check\n",
      has: ["rstatus ^2: not possible"]),
  ]

  static let handshakes: [Case] = [
    Case(
      name: "clients need the certificates that were asked for",
      text: asking("verify required ca-file /ca.pem crl-file /crl.pem"),
      has: ["client-certificates: ", "ca: /ca.pem", "crl: /crl.pem"], hasNot: ["required: false", "/ca.pem: not "]),
    Case(
      name: "certificates that may be missing may be missing",
      text: asking("verify optional ca-file ca.pem", "ca-base /etc/ssl"),
      has: ["ca: /etc/ssl/ca.pem", "required: false"], hasNot: ["optional: not "]),
    Case(
      name: "no certificates are asked for where none were",
      text: asking("verify none ca-file /ca.pem"),
      has: ["verify none: the default anyway", "ca-file /ca.pem: not needed"], hasNot: ["ca: /ca.pem"]),
    Case(
      name: "listeners that ask for different certificates are a person's decision",
      text: asking("verify required ca-file /ca.pem\nbind :8443 ssl crt /c.pem"),
      has: ["/ca.pem: not possible"], hasNot: ["client-certificates: "]),
    Case(
      name: "a port of one server that asks for certificates is a service of its own",
      text: secure + "default_backend cs\n" + servers
        + "listen one\nmode http\nbind :5001 ssl crt /c.pem verify required ca-file /ca.pem\n"
        + "server view01 192.168.1.165:443 ssl verify none\n",
      has: ["ca: /ca.pem"], hasNot: ["ports: 5001"]),
    Case(
      name: "certificates are not verified with broken versions",
      text: asking("ssl-min-ver TLSv1.0 verify required ca-file /ca.pem"),
      has: ["/ca.pem: not possible"], hasNot: ["client-certificates: "]),
    Case(
      name: "names of TLS are taken over where all of them are known",
      text: asking(
        "ciphers ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256 curves X25519:secp384r1",
        "ssl-default-bind-ciphersuites TLS_AES_256_GCM_SHA384"),
      has: [
        "ciphers: [ECDHE-RSA-AES256-GCM-SHA384, ECDHE-RSA-AES128-GCM-SHA256]", "groups: [X25519, P-384]",
        "cipher-suites: TLS_AES_256_GCM_SHA384",
      ]),
    Case(
      name: "other names of TLS are left to the profile",
      text: asking("ciphers HIGH:!aNULL curves X25519:sect571r1"), has: ["HIGH:!aNULL: not needed"],
      hasNot: ["ciphers: [", "groups: "]),
  ]

  /// A service whose listener has these parameters as well.
  static func asking(_ parameters: String, _ global: String = "") -> String {
    "global\n\(global)\n" + secure.dropLast() + " \(parameters)\ndefault_backend cs\n" + servers
  }

  @Test(arguments: rules + listeners + settings + handshakes)
  func `what is not the same afterwards is not possible`(sample: Case) {
    let outcome = CorpusFile.outcome(sample.text)
    let text = (outcome.text ?? "nothing\n") + (outcome.findings.map(\.text) + outcome.remarks).joined(separator: "\n")
    for part in sample.has { #expect(text.contains(part), "\(part)\n\(text)") }
    for part in sample.hasNot { #expect(!text.contains(part), "\(part)\n\(text)") }
  }
}
