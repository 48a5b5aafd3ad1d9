import Foundation
import Testing

@testable import HTTP1

struct FieldNameTests {
  @Test(arguments: [
    ("content-length", KnownField.contentLength), ("transfer-encoding", .transferEncoding), ("host", .host),
    ("connection", .connection), ("keep-alive", .keepAlive), ("proxy-connection", .proxyConnection), ("te", .te),
    ("close", .close),
    ("upgrade", .upgrade), ("proxy-authorization", .proxyAuthorization), ("expect", .expect),
    ("forwarded", .forwarded), ("x-forwarded-for", .forwardedFor), ("x-forwarded-proto", .forwardedProto),
    ("x-forwarded-host", .forwardedHost), ("x-forwarded-port", .forwardedOther), ("x-forwarded-", .forwardedOther),
    ("x-forwarded-f", .forwardedOther), ("x-forwarded-protocol", .forwardedOther), ("x-real-ip", .realIP),
    ("authorization", .authorization), ("www-authenticate", .wwwAuthenticate),
    ("proxy-authenticate", .proxyAuthenticate), ("persistent-auth", .persistentAuth), ("x-forwarded", .proxyClaim),
    ("proxy", .proxy), ("x-original-url", .proxyClaim), ("x-original-", .proxyClaim), ("x-original", .other),
    ("x-origin", .other), ("x-remote-user", .proxyClaim), ("x-authenticated", .proxyClaim), ("x-client", .other),
    ("x-requested-with", .other), ("x-csrf-token", .other), ("x-client-version", .other),
    ("x-ms-client-request-id", .other),
    ("", .other), ("a-name-that-is-longer-than-the-words-that-hold-it", .other),
  ])
  func `known fields are recognised by name`(name: String, field: KnownField) {
    #expect(KnownField(FieldName(name)) == field)
  }

  @Test func `every known field is in the table, and is recognised by its own name only`() {
    let names = [
      "content-length", "transfer-encoding", "host", "connection", "keep-alive", "proxy-connection", "te", "upgrade",
      "close", "proxy-authorization", "expect", "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
      "x-forwarded-port", "x-real-ip", "authorization", "www-authenticate", "proxy-authenticate", "persistent-auth",
      "true-client-ip", "client-cert", "proxy",
    ]
    #expect(Set(names.map { KnownField(FieldName($0)) }).union([.other]) == Set(KnownField.allCases))
    for name in names where !name.hasPrefix("x-forwarded") {
      for index in name.indices {
        var changed = name
        changed.replaceSubrange(index...index, with: "q")
        #expect(KnownField(FieldName(changed)) == .other, "\(changed)")
      }
      #expect(KnownField(FieldName(name + "s")) == .other)
      #expect(KnownField(FieldName(String(name.dropLast()))) == .other)
    }
  }

  @Test func `a field set by proxies is recognised in lower case and with underscores`() {
    let claims = ForwardingFieldNames.nameTexts + ForwardingFieldNames.prefixTexts
    for name in claims { #expect(KnownField(FieldName(name)) == .proxyClaim, "\(name)") }
    let ofCertificates = ForwardingFieldNames.certificateNameTexts + ForwardingFieldNames.certificatePrefixTexts
    for name in ofCertificates { #expect(KnownField(FieldName(name)) == .certificateClaim, "\(name)") }
    let prefixes = ForwardingFieldNames.prefixTexts + ForwardingFieldNames.certificatePrefixTexts
    #expect(prefixes.allSatisfy { (9...15).contains($0.utf8.count) })
    #expect((claims + ofCertificates).allSatisfy { $0.utf8.count <= 32 })
  }

  @Test func `the reference page lists all fields set by proxies`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let file = folder.appending(path: "../../docs/configuration.md")
    let page = try String(contentsOf: file, encoding: .utf8).lowercased()
    for name in ForwardingFieldNames.nameTexts + ForwardingFieldNames.certificateNameTexts {
      #expect(page.contains("`\(name)`"), "\(name)")
    }
    for prefix in ForwardingFieldNames.prefixTexts + ForwardingFieldNames.certificatePrefixTexts {
      #expect(page.contains("`\(prefix)…`"), "\(prefix)")
    }
  }

  @Test func `known values are recognised exactly`() {
    #expect(FieldName("close").isClose && !FieldName("closed").isClose)
    #expect(FieldName("chunked").isChunked && !FieldName("chunkee").isChunked)
    #expect(FieldName("websocket").isWebSocket && !FieldName("websockes").isWebSocket)
    #expect(FieldName("100-continue").isContinue && !FieldName("100-continua").isContinue)
    for scheme in ["ntlm", "nego2", "kerberos", "negotiate"] {
      #expect(FieldName(scheme).isConnectionBoundScheme)
      #expect(!FieldName(scheme + "s").isConnectionBoundScheme)
    }
    #expect(FieldName("keep-alive").isKeepAlive && !FieldName("keep-alivf").isKeepAlive)
  }

  @Test func `a name read in words equals the one read in octets, in any case`() {
    for length in 0...40 {
      let name = String("abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz".prefix(length))
      for spelling in [name, name.uppercased()] {
        let expected = FieldName(name)
        #expect(FieldName(ByteRange(start: 0, end: length), of: Array(spelling.utf8).span) == expected)
        // Words are read only if enough bytes follow.
        let line = Array((spelling + ": value").utf8)
        var rest = line.span
        var byWords = FieldName()
        byWords.dropWords(from: &rest)
        byWords.length = line.count - rest.count
        if length < 32 { #expect(byWords == expected) }
      }
    }
  }
}
