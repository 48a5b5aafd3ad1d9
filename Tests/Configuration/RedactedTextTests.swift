import Testing

@testable import Configuration

@Suite struct `A configuration without secrets` {
  private func redacted(_ text: String) -> RedactedText? { RedactedText(Array(text.utf8), file: "b.yaml") }

  @Test func `the values of fields that are set are removed, and their names kept`() throws {
    let text = "headers: { request: { set: { X-Origin: s3cret, key: /s3cret }, remove: [X-A] } }"
    let found = try #require(redacted(text))
    #expect(
      found.text == """
        headers:
            request:
                set:
                    X-Origin: [removed]  # 1
                    key: [removed]  # 1
                remove:
                  - X-A  # 1

        """)
  }

  @Test func `secrets and comments are removed, and the rest is kept with its lines`() throws {
    let found = try #require(
      redacted(
        """
        # the old password was s3cret0
        service: view.test   # s3cret1
        tls: { certificate: /etc/view.pem, key: /etc/view.key }
        listen: [ "192.0.2.1:443", '*:8443' ]
        vrrp:
          authentication: { password: "s3c\\u0072et2" }
          keys: { 1: credential:vrrp, 2: s3cret3 }
        pair: { secret:
            s3cret4 }
        trust: { fingerprint: \(String(repeating: "ab", count: 32)) }
        pasword: s3cret5
        mode: \(String(repeating: "0f", count: 32))
        redirect:
        limits: {}
        """))
    #expect(
      found.text == """
        service: view.test  # 2
        tls:
            certificate: /etc/view.pem  # 3
            key: /etc/view.key  # 3
        listen:
          - "192.0.2.1:443"  # 4
          - "*:8443"  # 4
        vrrp:
            authentication:
                password: [removed]  # 6
            keys:
                1: "credential:vrrp"  # 7
                2: [removed]  # 7
        pair:
            secret: [removed]  # 9
        trust:
            fingerprint: \(String(repeating: "ab", count: 32))  # 10
        "[removed]": [removed]  # 11
        mode: [removed]  # 12
        redirect:   # 13
        limits: {}

        """)
    for secret in ["s3cret2", "s3cret3", "s3cret4", "s3cret5", String(repeating: "0f", count: 32)] {
      #expect(found.secrets.removed(from: "it is \(secret).") == "it is [removed].")
    }
  }

  @Test(arguments: [
    ("pasword: hunter2", "\"[removed]\": [removed]  # 1"),
    ("vrrp: { authentication: { password:hunter2 } }", "vrrp:\n    authentication:\n        \"[removed]\":   # 1"),
    ("vrrp: { authentication: hunter2 }", "vrrp:\n    authentication: [removed]  # 1"),
    ("vrrp: { authentication: off }", "vrrp:\n    authentication: off  # 1"),
    ("password: /hunter2", "password: [removed]  # 1"),
    ("pair: secret:hunter2", "pair: [removed]  # 1"),
    ("servres: { view01: /hunter2 }", "\"[removed]\":\n    \"[removed]\": [removed]  # 1"),
    ("keys: { hunter2: /etc/key }", "keys:\n    \"[removed]\": [removed]  # 1"),
    ("tls: { certificate: \"-----BEGIN PRIVATE KEY----- hunter2\" }", "tls:\n    certificate: [removed]  # 1"),
    ("tls:\n  key: |\n    hunter2\n", "tls:\n    key: [removed]  # 2"),
    ("mode: \(String(repeating: "hunter2", count: 8))", "mode: [removed]  # 1"),
  ])
  func `only what the schema knows is shown`(text: String, shown: String) throws {
    #expect(try #require(redacted(text)).text == shown + "\n")
  }

  @Test(arguments: [
    "health:\n    passive: true  # 1", "servers:\n    view01: 192.168.1.165  # 1",
    "vrrp:\n    priority:\n        lb1: 101  # 1", "services:\n    cards:\n        mode: passthrough  # 1",
    "errors:\n    503: /etc/503.html  # 1", "errors:\n    maintenance: /etc/m.html  # 1",
    "tls:\n    certificates:\n      - a.pem  # 1", "trust: system  # 1",
    "log:\n    access: off  # 1", "pair:\n    nodes:\n        lb1: 192.0.2.1  # 1",
  ])
  func `what is no secret is shown`(shown: String) throws {
    #expect(try #require(redacted(shown)).text.replacing(#/# \d/#, with: "# 1") == shown + "\n")
  }

  @Test func `the examples of the reference have no secrets, but a password and fields that are set`() throws {
    for section in Schema.sections {
      for key in section.keys {
        let text = try #require(redacted("\(key.name): \(key.example)\n")).text
        #expect(text.contains("[removed]") == ["password", "set"].contains(key.name), "\(text)")
      }
    }
  }

  @Test func `flags, numbers and short words are removed only where a message quotes them`() throws {
    let found = try #require(redacted("pair: { secret: true }\nunknown: 100000\nkey: abc\nservice: view.test"))
    #expect(found.secrets.removed(from: "true 100000 abc") == "true 100000 abc")
    #expect(found.secrets.removed(from: "unknown key `abc`, `100000`") == "[removed] key [removed], [removed]")
  }

  @Test func `secrets are removed as messages and JSON have them`() throws {
    let long = String(repeating: "0123456789 ", count: 10)
    let found = try #require(redacted(#"a: { "b": "two\nlines", c: "q\"uoted", d: "\#(long)" }"#))
    #expect(found.secrets.removed(from: #"two lines, two\nlines, q\"uoted"#) == "[removed], [removed], [removed]")
    #expect(found.secrets.removed(from: "`\(long.prefix(60))…`") == "`[removed]…`")
  }

  @Test func `a text with more unknown keys than any configuration has is left out`() {
    func text(_ lines: Int) -> String { (0..<lines).map { "line-\($0): x\n" }.joined() }
    #expect(redacted(text(50)) != nil)
    #expect(redacted(text(1000)) == nil)
  }

  @Test func `messages about earlier configurations keep no wrong keys and values`() {
    let log = "b.yaml:1:1: unknown key `password:hunter2`; b.yaml:2:1: expected `off`, found `hunter2`"
    #expect(
      Secrets.withoutQuotes(log)
        == "b.yaml:1:1: unknown key `[removed]`; b.yaml:2:1: expected `off`, found `[removed]`")
  }

  @Test(arguments: ["a: [", "text", "- a", "", "a: \u{0}"])
  func `a text that is no mapping is left out`(text: String) { #expect(redacted(text) == nil) }

  @Test func `what was written is read alike again`() throws {
    let text = #"tls: { mode: "x # y", path: "q\"\\", name: "\u0001", weight: -1, host: "" }"#
    let once = try #require(redacted(text))
    let twice = try #require(redacted(once.text))
    #expect(twice.text.replacing(#/  # \d+/#, with: "") == once.text.replacing(#/  # \d+/#, with: ""))
  }
}
