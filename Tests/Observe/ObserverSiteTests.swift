import Testing
import Wire

@testable import Observe

private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .milliseconds(milliseconds) }

private func request(_ path: String = "/metrics", _ authorization: String? = nil) -> ObserverRequest {
  var request = ObserverRequest(path: path)
  request.authorization = authorization
  return request
}

@Suite struct `The observer's answers` {
  private static func isUp(_ site: inout ObserverSite, _ now: Instant) -> Bool {
    let text = String(decoding: site.answer(request(), isAdmitted: true, at: now).body, as: UTF8.self)
    return text.contains("belvedere_up 1\n")
  }

  @Test func `a report is shown until it is too old`() {
    var site = ObserverSite(version: "1", token: nil)
    var seen: [Bool] = [Self.isUp(&site, at(0))]
    _ = site.update(sampleReport, at: at(1000), isShown: false)
    for now in [1000, 6000, 6001] as [UInt64] { seen.append(Self.isUp(&site, at(now))) }
    _ = site.update(sampleReport, at: at(7000), isShown: false)
    seen.append(Self.isUp(&site, at(7000)))
    #expect(seen == [false, true, true, false, true])
  }

  @Test func `a report is shown for a second after the end of the service's connection`() {
    var site = ObserverSite(version: "1", token: nil)
    _ = site.update(sampleReport, at: at(1000), isShown: false)
    site.handleEndOfReports(at: at(2000))
    var seen: [Bool] = []
    for now in [2000, 3000, 3001] as [UInt64] { seen.append(Self.isUp(&site, at(now))) }
    _ = site.update(sampleReport, at: at(3100), isShown: false)
    seen.append(Self.isUp(&site, at(3100)))
    #expect(seen == [true, true, false, true])
  }

  @Test(arguments: [
    ("Bearer 0123456789abcdef", 200), ("bearer  0123456789abcdef ", 200), ("Bearer 0123456789abcdeF", 401),
    ("Bearer 0123456789abcde", 401), ("Bearer", 401), ("0123456789abcdef", 401), ("Digest 0123456789abcdef", 401),
    ("Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg==", 200), ("Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg", 200),
    ("Basic OjAxMjM0NTY3ODlhYmNkZWY=", 200), ("Basic MDEyMzQ1Njc4OWFiY2RlZg==", 401), ("Basic ====", 401),
    ("Basic Zm9v!", 401), ("Basic ", 401),
  ])
  func `a token is required where there is one (RFC 9110 §11.6.2)`(_ field: String, _ code: UInt16) {
    var site = ObserverSite(version: "1", token: Array("0123456789abcdef".utf8))
    #expect(site.answer(request("/metrics", field), isAdmitted: true, at: at(0)).status.code == code)
    #expect(site.answer(request(), isAdmitted: true, at: at(0)).status.code == 401)
  }

  @Test func `other addresses and other paths get nothing`() {
    var site = ObserverSite(version: "1", token: nil)
    #expect(site.answer(request(), isAdmitted: false, at: at(0)).status.code == 403)
    for path in ["/index.html", "/metrics/", "/Metrics", "*", ""] {
      #expect(site.answer(request(path), isAdmitted: true, at: at(0)).status.code == 404)
    }
  }
}
