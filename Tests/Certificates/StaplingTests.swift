import Testing
import Wire

@testable import Certificates

@Suite struct `Refreshing OCSP staples` {
  @Test(arguments: [
    ("http://ocsp.test", "ocsp.test", 80, "/", "ocsp.test"),
    ("HTTP://ocsp.test/", "ocsp.test", 80, "/", "ocsp.test"),
    ("http://ocsp.test:8080/a/b?c=d#e", "ocsp.test", 8080, "/a/b?c=d", "ocsp.test:8080"),
    ("http://ocsp.test?c", "ocsp.test", 80, "/?c", "ocsp.test"),
    ("http://192.0.2.1:8080", "192.0.2.1", 8080, "/", "192.0.2.1:8080"),
    ("http://[2001:db8::1]/x", "2001:db8::1", 80, "/x", "[2001:db8::1]"),
  ])
  func `a responder is a URL of plain HTTP`(text: String, host: String, port: Int, path: String, authority: String)
    throws
  {
    let url = try #require(ResponderURL(text))
    #expect(url.host == host && Int(url.port) == port && url.path == path && url.authority == authority)
  }

  @Test(arguments: [
    "", "http://", "http:///path", "https://ocsp.test/", "ldap://ocsp.test", "http://a b/", "http://user@ocsp.test/",
    "http://ocsp.test:0/", "http://ocsp.test:65536/", "http://ocsp.test:/", "http://oc\\sp.test/", "http://[::1/",
    "http://ocsp.test/\r\nX: y",
  ])
  func `other URLs are refused`(text: String) {
    #expect(ResponderURL(text) == nil)
  }

  @Test func `a staple is refreshed half-way through its lifetime, at most once a minute`() {
    var schedule = StapleSchedule(startingAt: Instant(nanoseconds: 0))
    let now = Instant(nanoseconds: 0) + .hours(1)
    schedule.succeeded(goodFor: .hours(96), at: now)
    #expect(schedule.due == now + .hours(48))
    schedule.succeeded(goodFor: .seconds(1), at: now)
    #expect(schedule.due == now + .minutes(1))
  }

  @Test(arguments: [Interval.hours(8 * 24), .hours(9000 * 366 * 24), .seconds(251_000_000_000), .seconds(.max)])
  func `a staple that is valid for years is refreshed within days, without overflow`(lifetime: Interval) {
    var schedule = StapleSchedule(startingAt: Instant(nanoseconds: 0))
    let now = Instant(nanoseconds: 0) + .hours(1)
    schedule.succeeded(goodFor: lifetime, at: now)
    #expect(schedule.due == now + .hours(96))
  }

  @Test func `a failing responder is asked less and less often, and as before once it answers`() {
    var schedule = StapleSchedule(startingAt: Instant(nanoseconds: 0))
    let now = Instant(nanoseconds: 0)
    var pauses: [UInt64] = []
    for _ in 0..<9 {
      schedule.failed(at: now)
      pauses.append((schedule.due - now).nanoseconds / 60_000_000_000)
    }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    schedule.succeeded(goodFor: .hours(1), at: now)
    schedule.failed(at: now)
    #expect(schedule.due == now + .minutes(1))
  }
}
