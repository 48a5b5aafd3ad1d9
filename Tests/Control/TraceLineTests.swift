import Domain
import Testing
import Wire

@testable import Control

private func event(_ kind: TraceEvent.Kind, _ facts: (TraceEvent.Key, TraceEvent.Value)...) -> TraceEvent {
  TraceEvent(kind, at: WallTime(milliseconds: 1_796_000_000_000), facts.map { TraceEvent.Fact($0.0, $0.1) })
}

private let client: (TraceEvent.Key, TraceEvent.Value) = (.client, .text("192.0.2.7:50312"))

private let lines: [(TraceEvent, String)] = [
  (event(.connected, client, (.port, .number(443))), "192.0.2.7:50312 connects to port 443"),
  (
    event(.connected, client, (.service, .text("view")), (.port, .number(443)), (.isEarlier, .flag(true))),
    "192.0.2.7:50312 has been connected to port 443 (service view)"
  ),
  (
    event(.refused, client, (.port, .number(443)), (.service, .text("view")), (.reason, .text("a limit"))),
    "192.0.2.7:50312 is not accepted on port 443 (service view): a limit"
  ),
  (
    event(
      .secured, client, (.tlsVersion, .text("TLSv1.3")), (.cipher, .text("TLS_AES_256_GCM_SHA384")),
      (.group, .text("x25519")), (.serverName, .text("view.test")), (.isResumed, .flag(false))),
    "192.0.2.7:50312 TLS: TLSv1.3, TLS_AES_256_GCM_SHA384, x25519, new session, name view.test"
  ),
  (
    event(
      .secured, client, (.tlsVersion, .text("TLSv1.3")), (.cipher, .text("TLS_AES_256_GCM_SHA384")),
      (.certificate, .text(#"CN=kim\, jr.,O=Domain"#)), (.fingerprint, .text("AB:CD"))),
    #"192.0.2.7:50312 TLS: TLSv1.3, TLS_AES_256_GCM_SHA384, new session, no name, certificate CN=kim\, jr.,O=Domain"#
  ),
  (
    event(.handshakeFailed, client, (.reason, .text("no shared cipher"))),
    "192.0.2.7:50312 TLS handshake failed: no shared cipher"
  ),
  (
    event(.placed, client, (.number, .number(1)), (.server, .text("view01")), (.reason, .text("cookie"))),
    "192.0.2.7:50312 request 1: server view01: its session cookie is assigned there"
  ),
  (
    event(
      .placed, client, (.number, .number(2)), (.forwardedFor, .text("192.0.2.9")),
      (.server, .text("view01")), (.reason, .text("hash")), (.port, .number(4172)), (.retries, .number(1))),
    "192.0.2.7:50312 request 2 for 192.0.2.9: server view01, port 4172, after 1 other: not assigned before: by the hash of the address"
  ),
  (
    event(.placed, client, (.number, .number(1)), (.reason, .text("no server takes it: view01 down"))),
    "192.0.2.7:50312 request 1: no server takes it: view01 down"
  ),
  (
    event(
      .request, client, (.number, .number(1)), (.status, .number(200)), (.server, .text("view01")),
      (.requestTime, .number(0)), (.queueTime, .number(1)), (.connectTime, .number(2)), (.activeTime, .number(9)),
      (.bytesFromClient, .number(80)), (.bytesToClient, .number(3120)), (.requestLine, .text("GET / HTTP/1.1")),
      (.termination, .text("--"))),
    "192.0.2.7:50312 request 1: status 200, server view01, 0/1/2/-/9 ms, 80 bytes in, 3120 out, “GET / HTTP/1.1”, --"
  ),
  (
    event(.closed, client, (.by, .text("client")), (.count, .number(1))),
    "192.0.2.7:50312 closed by the client, after 1 request"
  ),
  (
    event(.closed, client, (.by, .text("belvedere")), (.reason, .text("timeouts.tunnel")), (.count, .number(2))),
    "192.0.2.7:50312 closed by Belvedere: timeouts.tunnel, after 2 requests"
  ),
  (
    event(
      .placed, client, (.flow, .number(7)), (.reason, .text("table")), (.server, .text("view01")),
      (.port, .number(8443))),
    "192.0.2.7:50312 flow 7: server view01, port 8443: its address is assigned there"
  ),
  (
    event(
      .refused, client, (.port, .number(443)), (.reason, .text("access: deny has 192.0.2.0/24")),
      (.rule, .text("access"))),
    "192.0.2.7:50312 is not accepted on port 443: access: deny has 192.0.2.0/24"
  ),
  (
    event(.closed, client, (.reason, .text("closed by the client")), (.count, .number(1))),
    "192.0.2.7:50312 closed by the client, after 1 request"
  ),
  (
    event(.ended, (.reason, .text("interrupted"))), "the trace has ended: interrupted"
  ),
  (event(.began), "the trace has begun"),
  (event(.lost, (.count, .number(7))), "7 events were left out: there were too many"),
]

@Suite struct `Lines of a trace` {
  @Test(arguments: lines)
  func `an event has a line for people`(event: TraceEvent, line: String) {
    #expect(TraceLine(event).text == line)
  }

  @Test func `an event has a line of JSON`() {
    let event = event(
      .handshakeFailed, client, (.reason, .text("a\u{1b}b")), (.activeTime, .number(9)), (.isResumed, .flag(true)))
    #expect(
      TraceLine(event).json
        == #"{"active_ms":9,"client":"192.0.2.7:50312","event":"handshake-failed","reason":"a\u001bb","resumed":true,"time":"2026-11-30T00:53:20.000Z"}"#
    )
  }

  @Test func `secrets and control characters are in no line`() {
    let event = event(.secrets, (.client, .text("a\u{1b}[2J")), (.secrets, .text("CLIENT_RANDOM aa bb\n")))
    #expect(TraceLine(event).text == #"a\u{1b}[2J TLS secrets were written"#)
    #expect(!TraceLine(event).json.contains("RANDOM") && !TraceLine(event).json.contains("\u{1b}"))
  }

  @Test func `every fact has a name of its own in JSON`() {
    #expect(Set(TraceEvent.Key.allCases.map(\.member)).count == TraceEvent.Key.allCases.count)
    #expect(Set(TraceEvent.Kind.allCases.map(\.member)).count == TraceEvent.Kind.allCases.count)
  }

  @Test func `only lines of SSLKEYLOGFILE reach the file`() {
    let good = "CLIENT_TRAFFIC_SECRET_0 00ff 0a1b"
    let bad = ["# text", "CLIENT_RANDOM 00", "CLIENT_RANDOM 00 gg", "client_random 00 00", "A 00 00 00", "A  00", ""]
    #expect(SecretLines.valid(in: ([good] + bad + [good]).joined(separator: "\n")) == [good, good])
  }
}
