import Testing
import Wire

@testable import Domain

private func subject(_ kind: String, _ text: String) throws -> TraceSubject {
  try #require(TraceSubject(kind: kind, text))
}

@Suite struct `What a trace follows` {
  @Test(arguments: [
    ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false), ("192.0.2.0/24", "192.0.2.8", true),
    ("192.0.2.0/24", "192.0.3.8", false), ("2001:db8::/32", "2001:db8::1", true), ("::/0", "192.0.2.7", false),
    ("0.0.0.0/0", "192.0.2.7", true), ("::ffff:192.0.2.7", "192.0.2.7", true),
  ])
  func `an address or a block of them is compared with the client's`(block: String, address: String, isMeant: Bool)
    throws
  {
    let subject = try subject("address", block)
    #expect(subject.matches(try IPAddress(parsing: address)) == isMeant)
    #expect(!subject.matches(host: address.utf8Span.span) && !subject.matches(cookie: address.utf8Span.span))
  }

  @Test(arguments: [
    ("view.test", true), ("VIEW.Test", true), ("view.test.", true), ("view.test:8443", true), ("view.test.:443", true),
    ("view.tes", false), ("view.tests", false), ("view.test.org", false), ("a.view.test", false), ("", false),
  ])
  func `a name is compared without case, final dot and port`(host: String, isMeant: Bool) throws {
    #expect(try subject("name", "View.TEST").matches(host: host.utf8Span.span) == isMeant)
  }

  @Test(arguments: [
    ("5F2C.node1", true), ("5f2C.node1", false), ("5F2C.node", false), ("5F2C.node12", false), ("", false),
  ])
  func `a cookie's value is compared as a whole`(value: String, isMeant: Bool) throws {
    #expect(try subject("cookie", "5F2C.node1").matches(cookie: value.utf8Span.span) == isMeant)
  }

  @Test(arguments: [
    ("address", "192.0.2.1/24"), ("address", "view.test"), ("name", "192.0.2.1"), ("name", "a b"), ("name", ""),
    ("cookie", ""), ("cookie", "a b"), ("cookie", "ü"), ("cookie", String(repeating: "a", count: 513)), ("host", "a"),
  ])
  func `other texts follow no client`(kind: String, text: String) {
    #expect(TraceSubject(kind: kind, text) == nil)
  }

  @Test func `a cookie's value is not in the log`() throws {
    #expect(try subject("cookie", "5F2C").title == "the client with a session cookie")
    #expect(try subject("address", "192.0.2.7").title == "192.0.2.7")
    #expect(try subject("address", "192.0.2.0/24").title == "192.0.2.0/24")
    #expect(try subject("name", "View.test").title == "clients of view.test")
  }

  @Test(arguments: [
    ("address", "192.0.2.7", "one address"), ("address", "192.0.2.0/24", "256 addresses"),
    ("address", "0.0.0.0/0", "4294967296 addresses"), ("address", "2001:db8::/64", "2^64 addresses"),
    ("name", "view.test", "whoever asks for this name"), ("cookie", "5F2C", "one session"),
  ])
  func `how many clients it may be about is known`(kind: String, text: String, extent: String) throws {
    #expect(try subject(kind, text).extent == extent)
  }

  @Test func `a mark is of one trace, and a request begins with its connection's`() {
    var marks = TraceMarks()
    #expect(!marks.follows(1, slot: 0))
    let isFirst = marks.follow(1, slot: 0)
    let isSecond = marks.follow(1, slot: 0)
    #expect(isFirst && !isSecond)
    #expect(marks.follows(1, slot: 0) && !marks.follows(2, slot: 0) && !marks.follows(1, slot: 1))
    marks.followRequest(2, slot: 1)
    #expect(marks.follows(2, slot: 1))
    marks.beginRequest()
    #expect(!marks.follows(2, slot: 1) && marks.follows(1, slot: 0))
    // The next trace in the slot.
    let isNew = marks.follow(5, slot: 0)
    marks.beginRequest()
    #expect(isNew && !marks.follows(1, slot: 0))
  }
}

@Suite struct `How many events a trace may report` {
  private static func taken(_ count: UInt64, from allowance: inout TraceAllowance, at now: Instant) -> UInt64 {
    var taken: UInt64 = 0
    for _ in 0..<count where allowance.take(at: now) { taken += 1 }
    return taken
  }

  @Test func `a burst, then a rate; what is more is counted`() {
    let start = Instant(nanoseconds: 1_000_000_000)
    var allowance = TraceAllowance(at: start)
    let first = Self.taken(TraceAllowance.burst + 1, from: &allowance, at: start)
    #expect(first == TraceAllowance.burst)
    allowance.lose(2)
    let (lost, nothing) = (allowance.takeLost(), allowance.takeLost())
    #expect(lost == 3 && nothing == 0)
    let second = Self.taken(TraceAllowance.rate + 5, from: &allowance, at: start + .seconds(1))
    let more = allowance.takeLost()
    #expect(second == TraceAllowance.rate && more == 5)
  }

  @Test func `a long pause gives no more than a burst, and time that goes back gives nothing`() {
    let start = Instant(nanoseconds: 5_000_000_000)
    var allowance = TraceAllowance(at: start)
    let taken = Self.taken(TraceAllowance.burst * 2, from: &allowance, at: Instant(nanoseconds: .max))
    let isTaken = allowance.take(at: start)
    #expect(taken == TraceAllowance.burst && !isTaken)
  }
}
