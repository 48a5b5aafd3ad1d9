import Domain
import Testing
import Wire

@testable import VRRP

/// Advertisements as bytes.
@Suite struct `The advertisement channel` {
  /// Written by hand from the diagrams of the RFCs; checksums by RFC 1071.
  private static let vectors:
    [(name: String, settings: ChannelSettings, source: String, destination: String, bytes: String)] = [
      (
        "version 3 over IPv4, message alone", .plain, "192.0.2.2", "224.0.0.18",
        "3133640100 64 a802 c0000264"
      ),
      (
        "version 3 over IPv4, with pseudo-header", .plain.with { $0.checksum = .pseudoHeader }, "192.0.2.2",
        "224.0.0.18", "3133640100 64 0571 c0000264"
      ),
      ("version 2, no authentication", .old, "192.0.2.2", "224.0.0.18", "2133640100 01 b865 c0000264 0000000000000000"),
      (
        "version 2, simple text", .old.with { $0.authentication = .simpleText(Array("secret".utf8)) }, "192.0.2.2",
        "224.0.0.18", "2133640101 01 7b19 c0000264 7365637265740000"
      ),
      (
        "version 3 over IPv6", .plain.with { $0.addresses = [virtual("fe80::170"), virtual("2001:db8::170")] },
        "fe80::2",
        "ff02::12",
        "3133640200 64 3d1c fe800000000000000000000000000170 20010db8000000000000000000000170"
      ),
    ]

  @Test(arguments: vectors.indices)
  func `an advertisement is encoded as these bytes, and decoded from them`(index: Int) {
    let vector = Self.vectors[index]
    var channel = vector.settings.channel
    let sent = channel.encode(
      vector.settings.router.advertisement(), from: ip(vector.source), to: ip(vector.destination), at: utc(0))
    #expect(hex(sent) == hex(bytes(vector.bytes)), "\(vector.name)")
    #expect(
      channel.answer(to: sent, from: vector.source, to: vector.destination)
        == .success(vector.settings.router.advertisement()))
    #expect(channel.sent == 1)
    #expect(channel.received == 1)
  }

  @Test func `the example of draft-cassen-vrrp-auth-hmac is encoded and accepted`() {
    let key = KeyedAuthentication.Key(identifier: 1, bytes: Array(0...31))
    let settings = ChannelSettings.plain.with {
      $0.keyed = KeyedAuthentication.Settings(mode: .enforce, keys: [key], window: nil)
    }
    let vector = bytes(
      "3133c80100644402c0000264" + "010100006800000080000000" + "1b84bc4e8e43892dc6d98448f8ee2265")
    let time = WallTime(nanoseconds: 0x6800_0000 * 1_000_000_000 + 500_000_000)
    var sender = settings.channel
    let sent = sender.encode(
      settings.router.advertisement(priority: 200), from: ip("198.51.100.10"), to: ip("224.0.0.18"), at: time)
    #expect(hex(sent) == hex(vector))
    var receiver = settings.channel
    #expect(
      receiver.answer(to: vector, from: "198.51.100.10", at: time)
        == .success(settings.router.advertisement(priority: 200)))
  }
}
