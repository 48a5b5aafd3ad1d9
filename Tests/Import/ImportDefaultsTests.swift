import Configuration
import Import
import Testing

/// What follows from defaults of HAProxy, and from lines of `global`.
@Suite struct ImportDefaultsTests {
  private static let secure = ImportTruthTests.secure
  private static let servers = ImportTruthTests.servers

  private static func text(_ file: String, folder: @escaping @Sendable (String) -> [String]? = { _ in nil }) -> String {
    let outcome = Importer.run(
      haproxy: SourceFile(path: "h.cfg", bytes: Array(file.utf8)),
      ImportOptions(
        environment: [:], service: "view.domain.local", hostName: "lb1", files: { _ in [] }, folder: folder))
    return (outcome.text ?? "nothing\n") + (outcome.findings.map(\.text) + outcome.notes).joined(separator: "\n")
  }

  @Test func `time-outs that a relayed listener inherits are those of the relay`() {
    let relay =
      "listen blast\nmode tcp\nbind :8443\nserver view01 192.168.1.165:8443\nserver view02 192.168.1.166:8443\n"
    let defaults = "defaults\ntimeout client 5m\ntimeout server 2m\n"
    let inherited = Self.text(defaults + Self.secure + "default_backend cs\n" + Self.servers + relay)
    #expect(inherited.contains("tcp: 8443") && inherited.contains("tunnel: 5m"), "\(inherited)")
    let own = Self.text(
      defaults + Self.secure + "default_backend cs\n" + Self.servers + relay + "timeout client 1h\ntimeout server 1h\n")
    #expect(own.contains("tunnel: 1h"), "\(own)")
    let chosen = Self.text(
      defaults + Self.secure + "default_backend cs\n" + Self.servers + "timeout tunnel 8h\n" + relay)
    #expect(chosen.contains("tunnel: 8h") && !chosen.contains("tunnel: 5m"), "\(chosen)")
  }

  @Test(arguments: [
    ("5m", "stop: 5m", "hard-stop-after 5m: taken over: timeouts.stop: 5m"),
    ("30s", "", "hard-stop-after 30s: the default anyway"), ("soon", "", "hard-stop-after soon: not possible"),
  ])
  func `hard-stop-after is the time for a stop`(time: String, key: String, verdict: String) {
    let text = Self.text("global\nhard-stop-after \(time)\n" + Self.secure + "default_backend cs\n" + Self.servers)
    #expect(text.contains(verdict), "\(text)")
    #expect(key.isEmpty ? !text.contains("{ stop: ") : text.contains(key), "\(text)")
  }

  @Test(arguments: [
    ("", "log /dev/log local2: taken over"), ("info", "info: the default anyway"),
    ("debug", "debug: the default anyway"),
    ("notice", "notice: not possible: this level has no requests: log: { access: off, level: notice }"),
    ("err", "err: not possible: this level has no requests: log: { access: off, level: error }"),
    ("crit", "crit: not possible"), ("info notice", "notice: not needed: lines keep their severity"),
  ])
  func `a log level without requests needs a person`(level: String, verdict: String) {
    let text = Self.text("global\nlog /dev/log local2 \(level)\n" + Self.secure + "default_backend cs\n" + Self.servers)
    #expect(text.contains(verdict), "\(text)")
  }

  @Test(arguments: [
    ("10s", "inter 2000", "timeout: 6s"), ("6s", "inter 2000", "timeout: 6s"), ("3s", "inter 500", "timeout: 3s"),
    ("10s", "inter 500", "timeout check 10s: taken over: health.timeout: 5s; longer than three"),
    ("10s", "", "timeout: 10s"), ("30s", "", "timeout: 15s"), ("99999999h", "inter 2000", "timeout: 6s"),
    ("soon", "", "timeout check soon: not possible"),
  ])
  func `a check takes at most three intervals`(time: String, interval: String, expected: String) {
    let text = Self.text(
      Self.secure + "default_backend cs\nbackend cs\nmode http\ntimeout check \(time)\n"
        + "server view01 192.168.1.165:443 ssl verify none check \(interval)\n")
    #expect(text.contains(expected), "\(text)")
  }

  @Test func `the certificates of a folder are listed, with and without a slash`() {
    let names = ["b.pem", "a.pem", "a.pem.ocsp", "a.pem.issuer", "a.key", ".hidden", "x.sctl"]
    for path in ["/certs", "/certs/"] {
      let file = "frontend view\nmode http\nbind :443 ssl crt \(path)\ndefault_backend cs\n" + Self.servers
      let text = Self.text(file) { $0.hasPrefix("/certs") ? names : nil }
      #expect(text.contains("certificates: [/certs/a.pem, /certs/b.pem]"), "\(text)")
      #expect(text.contains("crt \(path): taken over: tls: 2 files of \(path)"), "\(text)")
      let empty = Self.text(file) { _ in [] }
      #expect(empty.contains("crt \(path): not possible: list the certificates"), "\(empty)")
    }
  }

  @Test func `what HAProxy would not do by default is noted, and needs no person`() {
    let check = "option httpchk GET /favicon.ico\n"
    let plain = Self.text(Self.secure + "default_backend cs\n" + Self.servers + check)
    #expect(plain.contains("# Other than HAProxy: servers get X-Forwarded-For"), "\(plain)")
    #expect(plain.contains("# Other than HAProxy: a check expects status 200"), "\(plain)")
    let added = Self.text(Self.secure + "option forwardfor\ndefault_backend cs\n" + Self.servers)
    #expect(!added.contains("Other than HAProxy"), "\(added)")
    let expected = Self.text(
      Self.secure + "default_backend cs\n" + Self.servers + check + "http-check expect status 200\noption forwardfor\n")
    #expect(!expected.contains("Other than HAProxy"), "\(expected)")
    let other = Self.text(Self.secure + "default_backend cs\n" + Self.servers + "option httpchk GET /health\n")
    #expect(other.contains("expect: [200, 204, 301") && !other.contains("expects status 200"), "\(other)")
    let passed = Self.text("listen view\nmode tcp\nbind :443\nserver s 192.168.1.165:443 check\n")
    #expect(!passed.contains("Other than HAProxy"), "\(passed)")
  }
}
