import Domain
import Testing
import Wire

@testable import VRRP

/// Rejected packets, each for one reason.
@Suite struct `Rejected packets` {
  private struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let rejection: AdvertisementRejection
    var settings = ChannelSettings.plain
    /// The settings of the sender, if they differ from the receiver's.
    var sender: ChannelSettings?
    var source = "192.0.2.2"
    /// The multicast group if nil.
    var destination: String?
    var hopLimit: UInt8 = 255
    var change: @Sendable (inout [UInt8]) -> Void = { _ in }

    var testDescription: String { name }
  }

  private static let text = AdvertisementCodec.SimpleAuthentication.simpleText(Array("secret".utf8))
  private static let keyed = ChannelSettings.plain.with {
    $0.keyed = KeyedAuthentication.Settings(
      mode: .enforce, keys: [.init(identifier: 1, bytes: Array(0..<32))], window: .seconds(5))
  }

  private static let six = ChannelSettings.plain.with { $0.addresses = [virtual("fe80::170")] }

  private static let cases = [
    Case(name: "it crossed a router (RFC 9568 §7.1)", rejection: .hopLimit(254), hopLimit: 254),
    Case(name: "nothing", rejection: .length(found: 0, expected: 8)) { $0 = [] },
    Case(name: "a cut header", rejection: .length(found: 7, expected: 8)) { $0 = Array($0.prefix(7)) },
    Case(name: "a cut address", rejection: .length(found: 11, expected: 12)) { $0.removeLast() },
    Case(name: "more than it says", rejection: .length(found: 13, expected: 12)) { $0.append(0) },
    Case(name: "no address at all", rejection: .length(found: 12, expected: 8)) { $0[3] = 0 },
    Case(name: "255 addresses and one there", rejection: .length(found: 12, expected: 1028)) { $0[3] = 255 },
    Case(name: "version 4", rejection: .version(4)) { $0[0] = 0x41 },
    Case(name: "version 2 where 3 is spoken", rejection: .version(2), sender: .old),
    Case(name: "version 3 where 2 is spoken", rejection: .version(3), settings: .old, sender: .plain),
    Case(
      name: "version 2 over IPv6", rejection: .version(2),
      settings: .plain.with { $0.addresses = [virtual("fe80::170")] }, source: "fe80::2"
    ) { $0[0] = 0x21 },
    Case(name: "another type", rejection: .type(2)) { $0[0] = 0x32 },
    Case(name: "a changed priority", rejection: .checksum(otherConvention: false)) { $0[2] ^= 1 },
    Case(
      name: "the other convention", rejection: .checksum(otherConvention: true),
      sender: .plain.with { $0.checksum = .pseudoHeader }),
    Case(
      name: "the other convention, the other way round", rejection: .checksum(otherConvention: true),
      settings: .plain.with { $0.checksum = .pseudoHeader }, sender: .plain),
    Case(name: "a neighbour's", rejection: .virtualRouter(52), sender: .plain.with { $0.identifier = 52 }),
    Case(
      name: "a neighbour's, by the other convention", rejection: .virtualRouter(52),
      sender: .plain.with {
        $0.identifier = 52
        $0.checksum = .pseudoHeader
      }),
    Case(
      name: "a neighbour's that is broken", rejection: .virtualRouter(52),
      sender: .plain.with { $0.identifier = 52 }
    ) { $0[2] ^= 1 },
    Case(
      name: "from an address that is not in the list of peers", rejection: .peer(ip("192.0.2.2")),
      settings: .plain.with { $0.peers = [ip("192.0.2.3")] }),
    Case(name: "from the virtual address", rejection: .source(ip("192.0.2.100")), source: "192.0.2.100"),
    Case(
      name: "from the virtual address, even where it is a peer", rejection: .source(ip("192.0.2.100")),
      settings: .plain.with { $0.peers = [ip("192.0.2.100")] }, source: "192.0.2.100"),
    Case(
      name: "from the unspecified address (RFC 9568 §5.1.2.1)", rejection: .source(ip("::")), settings: six,
      source: "::"),
    Case(
      name: "from everywhere, over IPv6", rejection: .source(ip("2001:db8::2")), settings: six, source: "2001:db8::2"),
    Case(
      name: "from the virtual address, over IPv6", rejection: .source(ip("fe80::170")), settings: six,
      source: "fe80::170"),
    Case(
      name: "to one machine alone (RFC 9568 §5.1.1.2)", rejection: .destination(ip("192.0.2.1")),
      destination: "192.0.2.1"),
    Case(
      name: "to one machine alone, over IPv6 (RFC 9568 §5.1.2.2)", rejection: .destination(ip("fe80::1")),
      settings: six, source: "fe80::2", destination: "fe80::1"),
    Case(
      name: "another interval in version 2 (RFC 3768 §7.1)", rejection: .interval(centiseconds: 200), settings: .old,
      sender: .old.with { $0.interval = .seconds(2) }),
    Case(
      name: "an interval of zero", rejection: .interval(centiseconds: 0),
      sender: .plain.with { $0.interval = .zero }),
    Case(
      name: "another address in version 2 (RFC 3768 §7.1)", rejection: .addresses([ip("192.0.2.101")]),
      settings: .old, sender: .old.with { $0.addresses = [virtual("192.0.2.101")] }),
    Case(
      name: "one address more", rejection: .addresses([ip("192.0.2.100"), ip("192.0.2.101")]),
      settings: .old, sender: .old.with { $0.addresses.append(virtual("192.0.2.101")) }),
    Case(
      name: "simple text where none is", rejection: .authenticationType(1), settings: .old,
      sender: .old.with { $0.authentication = text }),
    Case(
      name: "none where simple text is", rejection: .authenticationType(0),
      settings: .old.with { $0.authentication = text }, sender: .old),
    Case(
      name: "another text", rejection: .simpleText, settings: .old.with { $0.authentication = text },
      sender: .old.with { $0.authentication = .simpleText(Array("secreT".utf8)) }),
    Case(name: "no signature", rejection: .unsigned, settings: keyed, sender: .plain),
    Case(name: "a signature without a configured key", rejection: .length(found: 40, expected: 12), sender: keyed),
    Case(name: "half a trailer", rejection: .length(found: 26, expected: 40), settings: keyed) {
      $0 = Array($0.prefix(26))
    },
    Case(name: "another type of trailer", rejection: .trailerMalformed, settings: keyed) { $0[12] = 2 },
    Case(name: "something in the reserved bytes", rejection: .trailerMalformed, settings: keyed) { $0[15] = 1 },
    Case(name: "a clock behind ours", rejection: .stale(secondsAhead: -6), settings: keyed) { $0[19] -= 6 },
    Case(name: "a clock ahead of ours", rejection: .stale(secondsAhead: 6), settings: keyed) { $0[19] += 6 },
    Case(name: "a key that we do not have", rejection: .unknownKey(2), settings: keyed) { $0[13] = 2 },
    Case(
      name: "another key by the same number", rejection: .digest, settings: keyed,
      sender: keyed.with { $0.keyed?.keys = [.init(identifier: 1, bytes: Array(1...32))] }),
    Case(name: "a changed digest", rejection: .digest, settings: keyed) { $0[39] ^= 1 },
  ]

  @Test(arguments: cases.indices)
  func `a packet that violates one rule is rejected for that reason, and counted`(index: Int) {
    let example = Self.cases[index]
    let group = example.destination.map(ip) ?? Advertisement.multicastGroup(ip(example.source).family)
    let sender = example.sender ?? example.settings
    var sending = sender.channel
    var payload = sending.encode(sender.router.advertisement(), from: ip(example.source), to: group, at: utc(1000))
    example.change(&payload)
    var receiving = example.settings.channel
    let answer = receiving.answer(
      to: payload, from: example.source, to: "\(group)", hopLimit: example.hopLimit, at: utc(1000))
    #expect(answer == .failure(example.rejection), "\(example.name)")
    #expect(receiving.received == 0)
    #expect(receiving.rejected[example.rejection.kind] == 1)
    #expect(receiving.rejected.nonZero.map(\.kind) == [example.rejection.kind])
    #expect(!example.rejection.description.isEmpty)
  }

  @Test func `every kind of rejection has a case, except replays, which need two packets`() {
    #expect(Set(Self.cases.map(\.rejection.kind)) == Set(AdvertisementRejection.Kind.allCases).subtracting([.replayed]))
  }

  @Test func `rejections are counted by kind, in a fixed order`() {
    var channel = ChannelSettings.plain.channel
    for payload in [[], [], [0x41] + [UInt8](repeating: 0, count: 11)] { _ = channel.answer(to: payload) }
    _ = channel.answer(to: [], hopLimit: 1)
    #expect(channel.rejected.nonZero.map(\.kind) == [.hopLimit, .length, .version])
    #expect(channel.rejected.nonZero.map(\.count) == [1, 2, 1])
  }

  @Test func `the order of addresses does not matter`() {
    let settings = ChannelSettings.plain.with { $0.addresses.append(virtual("192.0.2.101")) }
    var sender = settings.with { $0.addresses.reverse() }.channel
    let advertisement = sender.settings.advertisement()
    let payload = sender.encode(advertisement, from: ip("192.0.2.2"), to: ip("224.0.0.18"), at: utc(0))
    var receiver = settings.channel
    #expect(receiver.answer(to: payload) == .success(advertisement))
  }

  @Test func `an advertisement with other addresses is accepted, and reported (RFC 9568 §7.1)`() {
    let sender = ChannelSettings.plain.with { $0.addresses.append(virtual("192.0.2.101")) }
    var sending = sender.channel
    let payload = sending.encode(
      sender.router.advertisement(), from: ip("192.0.2.2"), to: ip("224.0.0.18"), at: utc(0))
    var receiver = ChannelSettings.plain.channel
    #expect(receiver.answer(to: payload) == .success(sender.router.advertisement()))
    #expect(!receiver.isAboutOurs(sender.router.advertisement()))
    #expect(receiver.isAboutOurs(receiver.settings.advertisement()))
  }

  @Test func `unicast peers may have global addresses over IPv6`() {
    let settings = ChannelSettings.plain.with {
      $0.addresses = [virtual("2001:db8::100")]
      $0.peers = [ip("2001:db8::2")]
    }
    var sending = settings.channel
    let payload = sending.encode(
      settings.router.advertisement(), from: ip("2001:db8::2"), to: ip("2001:db8::1"), at: utc(0))
    var receiver = settings.channel
    let answer = receiver.answer(to: payload, from: "2001:db8::2", to: "2001:db8::1")
    #expect(answer == .success(settings.router.advertisement()))
  }

  @Test func `an owner's addresses are not compared (RFC 3768 §7.1)`() {
    let sender = ChannelSettings.plain.with { $0.addresses = [virtual("192.0.2.101")] }
    var sending = sender.channel
    let owner = sender.router.advertisement(priority: 255)
    let payload = sending.encode(owner, from: ip("192.0.2.2"), to: ip("224.0.0.18"), at: utc(0))
    var receiver = ChannelSettings.plain.channel
    #expect(receiver.answer(to: payload) == .success(owner))
  }

  @Test func `in version 3 the sender's interval may differ (RFC 9568 §6.4.2)`() {
    let sender = ChannelSettings.plain.with { $0.interval = .milliseconds(40_950) }
    var sending = sender.channel
    let payload = sending.encode(
      sender.router.advertisement(), from: ip("192.0.2.2"), to: ip("224.0.0.18"), at: utc(0))
    var receiver = ChannelSettings.plain.channel
    #expect(receiver.answer(to: payload) == .success(sender.router.advertisement()))
  }
}
