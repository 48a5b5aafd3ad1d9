import Domain
import TLS
import Testing
import Wire

@testable import Certificates

@Suite struct `The expiry watch` {
  private static let day = Int64(ExpiryWatch.day)

  /// The time this many seconds after the certificate's expiry.
  private static func end(_ seconds: Int64 = 0) -> WallTime { WallTime(seconds: 2_000_000_000 + seconds) }

  private static func subject(
    _ byte: UInt8 = 1, names: [String] = ["view.test"], place: ExpiryWatch.Place = .file("/etc/view.pem")
  ) throws -> ExpiryWatch.Subject {
    ExpiryWatch.Subject(
      names: names, place: place,
      fingerprint: try #require(Fingerprint(bytes: [UInt8](repeating: byte, count: 32))),
      notAfter: end())
  }

  @Test func `the expiry is announced 30, 14, 7 and 1 days ahead, and once a day after it`() throws {
    let subject = try Self.subject()
    var watch = ExpiryWatch()
    var told: [ExpiryWatch.Notice] = []
    for hour in stride(from: Int64(-40 * 24), through: 50, by: 1) {
      told += watch.notices(of: [subject], at: Self.end(hour * 3600))
    }
    let ahead = [30, 14, 7, 1].map { ExpiryWatch.Notice.ending(subject, daysLeft: $0) }
    #expect(told == ahead + [.ended(subject), .ended(subject), .ended(subject)])
  }

  @Test func `a certificate that expires soon is announced once at the start`() throws {
    let subject = try Self.subject()
    var watch = ExpiryWatch()
    let now = Self.end(-10 * Self.day)
    #expect(watch.notices(of: [subject], at: now) == [.ending(subject, daysLeft: 10)])
    #expect(watch.notices(of: [subject], at: now + .seconds(1)) == [])
  }

  @Test func `a check's notice of a certificate is that of the watch`() throws {
    let subject = try Self.subject()
    for left in -40...40 as ClosedRange<Int64> {
      var watch = ExpiryWatch()
      let now = Self.end(-left * Self.day)
      #expect(ExpiryWatch.notice(of: subject, at: now) == watch.notices(of: [subject], at: now).first)
    }
  }

  @Test func `a renewed certificate is announced again, an unchanged one is not`() throws {
    let (old, other) = (try Self.subject(1), try Self.subject(2))
    var watch = ExpiryWatch()
    let now = Self.end(-5 * Self.day)
    #expect(watch.notices(of: [old], at: now).count == 1)
    #expect(watch.notices(of: [old, other], at: now) == [.ending(other, daysLeft: 5)])
    #expect(watch.notices(of: [other], at: now) == [])
    #expect(watch.notices(of: [old], at: now).count == 1)
  }

  @Test func `a clock that is set back does not suppress notices for years`() throws {
    let subject = try Self.subject()
    var watch = ExpiryWatch()
    #expect(watch.notices(of: [subject], at: Self.end(400 * Self.day)).count == 1)
    #expect(watch.notices(of: [subject], at: Self.end(1)).count == 1)
  }

  @Test func `the notice of belvedere observe names its unit`() throws {
    let subject = try Self.subject(place: .observer("/etc/observe.pem"))
    let end = "renew it, then run 'systemctl restart belvedere-observe'"
    #expect(ExpiryWatch.text(of: .ending(subject, daysLeft: 7)).hasSuffix(" expires in 7 days; \(end)"))
    #expect(ExpiryWatch.text(of: .ended(subject)).hasSuffix(" has expired and clients refuse it; \(end)"))
  }

  @Test func `the notice has the names, up to four, the file and the remedy`() throws {
    let subject = try Self.subject(names: (1...100).map { "view\($0).test" })
    let text = ExpiryWatch.text(of: .ending(subject, daysLeft: 7))
    #expect(text.hasPrefix("the certificate for view1.test, view2.test, view3.test, view4.test and 96 more in "))
    #expect(text.hasSuffix(" expires in 7 days; renew it, then run 'systemctl reload belvedere'"))
    #expect(ExpiryWatch.text(of: .ending(try Self.subject(), daysLeft: 0)).contains("expires in less than a day"))
    #expect(ExpiryWatch.text(of: .ended(try Self.subject())).contains("has expired"))
  }
}
