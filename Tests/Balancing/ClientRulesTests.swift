import Testing
import Wire

@testable import Balancing

@Suite struct `Rules for clients` {
  private static let inside = Endpoint(address: IPAddress(v4: 0x0a00_0001), port: 50_000)
  private static let outside = Endpoint(address: IPAddress(v4: 0xc000_0201), port: 50_000)
  private static let wait = Interval.milliseconds(100)

  /// Everyone may come in but `outside`, and `/admin` is for none of them.
  private static func access() throws -> AccessRules {
    let denied = try #require(IPPrefix(containing: outside.address, length: 24))
    let all = try #require(IPPrefix(containing: outside.address, length: 0))
    return AccessRules(
      service: NetworkTable(allow: [], deny: [denied]),
      paths: [(path: "/admin", networks: NetworkTable(allow: [], deny: [all]))])
  }

  private static func rates(isTrial: Bool = false) -> RateRules {
    let rate = Rate(10, per: .second, burst: 1)
    return RateRules(connections: rate, handshakes: rate, requests: rate, exceptions: [], isTrial: isTrial)
  }

  private static func decide(
    _ rules: ClientRules?, _ client: ClientRules.Client, _ occasion: ClientRules.Occasion, _ path: String = "/",
    isAbove: Bool
  ) throws -> (verdict: ClientRules.Verdict, charged: [RateRules.Subject]) {
    var charged: [RateRules.Subject] = []
    let verdict = try #require(rules).decide(client, on: occasion, path: Array(path.utf8).span) { subject, _, _ in
      charged.append(subject)
      return isAbove ? .refused(wait: wait) : .allowed
    }
    return (verdict, charged)
  }

  @Test func `are none without networks and rates`() throws {
    #expect(ClientRules(access: nil, rates: nil) == nil)
    #expect(try #require(ClientRules(access: Self.access(), rates: nil)).hasPaths)
    #expect(try !#require(ClientRules(access: nil, rates: Self.rates())).hasPaths)
  }

  @Test(arguments: [
    (ClientRules.Occasion.connection, RateRules.Subject?.some(.connections)), (.sharedConnection, .connections),
    (.handshake, .handshakes), (.request, .requests), (.tunnel, nil), (.flow, nil),
  ])
  func `charge each occasion to its rate`(occasion: ClientRules.Occasion, subject: RateRules.Subject?) throws {
    let rules = ClientRules(access: nil, rates: Self.rates())
    let (verdict, charged) = try Self.decide(rules, .named(Self.inside), occasion, isAbove: true)
    #expect(charged == [subject].compactMap(\.self))
    guard let subject else { return #expect(verdict == .admitted) }
    guard case .refused(.rate(let excess)) = verdict else { return #expect(Bool(false), "\(verdict)") }
    #expect(excess.subject == subject && excess.wait == Self.wait && excess.rate.burst == 1)
    #expect(try Self.decide(rules, .named(Self.inside), occasion, isAbove: false).verdict == .admitted)
  }

  @Test(arguments: ClientRules.Occasion.allCases)
  func `charge no rate for a client that the networks refuse`(occasion: ClientRules.Occasion) throws {
    let rules = ClientRules(access: try Self.access(), rates: Self.rates())
    let (verdict, charged) = try Self.decide(rules, .named(Self.outside), occasion, isAbove: false)
    // Where services share a listener, it has not chosen one.
    let isDecided = occasion != .sharedConnection
    #expect(verdict == (isDecided ? .refused(.access(.service)) : .admitted))
    #expect(charged == (isDecided ? [] : [.connections]))
  }

  @Test func `decide the paths of requests alone`() throws {
    let rules = ClientRules(access: try Self.access(), rates: nil)
    for occasion in ClientRules.Occasion.allCases {
      let verdict = try Self.decide(rules, .named(Self.inside), occasion, "/admin", isAbove: false).verdict
      #expect(verdict == (occasion == .request ? .refused(.access(.path(0))) : .admitted))
    }
  }

  @Test(arguments: ClientRules.Occasion.allCases)
  func `refuse a client that is unnamed, and wait for one that may be named`(occasion: ClientRules.Occasion) throws {
    let rules = ClientRules(access: try Self.access(), rates: Self.rates())
    let unnamed = try Self.decide(rules, .unnamed, occasion, isAbove: true)
    #expect(unnamed.verdict == (occasion == .sharedConnection ? .admitted : .refused(.access(.service))))
    let awaited = try Self.decide(rules, .awaited, occasion, isAbove: true)
    let mayBeNamed = [.connection, .sharedConnection, .handshake].contains(occasion)
    #expect(awaited.verdict == (mayBeNamed ? .admitted : .refused(.access(.service))))
    #expect(unnamed.charged.isEmpty && awaited.charged.isEmpty)
  }

  @Test func `on trial admit a client that is above its rate, and not one that the networks refuse`() throws {
    let rules = ClientRules(access: try Self.access(), rates: Self.rates(isTrial: true))
    let above = try Self.decide(rules, .named(Self.inside), .request, isAbove: true).verdict
    guard case .admittedOnTrial(let excess) = above else { return #expect(Bool(false), "\(above)") }
    #expect(excess.subject == .requests)
    let refused = try Self.decide(rules, .named(Self.outside), .request, isAbove: true).verdict
    #expect(refused == .refused(.access(.service)))
  }
}
