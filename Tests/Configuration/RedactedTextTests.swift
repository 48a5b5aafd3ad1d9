import Testing

@testable import Configuration

@Suite struct `A configuration without secrets` {
  private func redacted(_ text: String) -> RedactedText? { RedactedText(Array(text.utf8), file: "b.yaml") }

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
        other: \(String(repeating: "0f", count: 32))
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
        pasword: s3cret5  # 11
        other: [removed]  # 12
        redirect:   # 13
        limits: {}

        """)
    #expect(found.secrets == ["s3cret2", "s3cret3", "s3cret4", String(repeating: "0f", count: 32)])
  }

  @Test(arguments: ["a: [", "text", "- a", "", "a: \u{0}"])
  func `a text that is no mapping is left out`(text: String) { #expect(redacted(text) == nil) }

  @Test func `what was written is read alike again`() throws {
    let text = #"a: { "b: c": "x # y", d: "q\"\\", e: "\u0001", f: -1, g: "" }"#
    let once = try #require(redacted(text))
    let twice = try #require(redacted(once.text))
    #expect(twice.text.replacing(#/  # \d+/#, with: "") == once.text.replacing(#/  # \d+/#, with: ""))
  }
}
