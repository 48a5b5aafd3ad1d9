import Domain
import Testing
import Wire

@testable import VRRP

/// Signed advertisements (draft-cassen-vrrp-auth-hmac).
@Suite struct `Keyed authentication` {
  private static let old = KeyedAuthentication.Key(identifier: 1, bytes: Array(0..<32))
  private static let new = KeyedAuthentication.Key(identifier: 2, bytes: Array(100..<164))

  private func channel(
    _ mode: VRRPAuthenticationMode = .enforce, keys: [KeyedAuthentication.Key] = [old], window: Interval? = nil
  ) -> AdvertisementChannel {
    ChannelSettings.plain.with {
      $0.keyed = KeyedAuthentication.Settings(mode: mode, keys: keys, window: window)
    }.channel
  }

  private func packet(
    of sender: inout AdvertisementChannel, from source: String = "192.0.2.2", at time: WallTime = utc(1000)
  ) -> [UInt8] {
    sender.encode(sender.settings.advertisement(), from: ip(source), to: ip("224.0.0.18"), at: time)
  }

  private func rejection(_ answer: Result<Advertisement, AdvertisementRejection>) -> AdvertisementRejection? {
    if case .failure(let rejection) = answer { rejection } else { nil }
  }

  /// During a migration, each mode accepts advertisements of the same mode, of the previous one and of the next one.
  @Test(
    arguments: [
      ("receive-only", nil, nil), ("receive-only", "receive-only", nil), ("receive-only", "permissive", nil),
      ("receive-only", "enforce", nil), ("permissive", nil, nil), ("permissive", "receive-only", nil),
      ("permissive", "enforce", nil), ("enforce", nil, .unsigned), ("enforce", "receive-only", .unsigned),
      ("enforce", "permissive", nil), ("enforce", "enforce", nil),
    ] as [(String, String?, AdvertisementRejection?)])
  func `a pair migrates to signed advertisements mode by mode`(
    receiver: String, sender: String?, expected: AdvertisementRejection?
  ) throws {
    let modes = try [receiver, sender].compactMap { $0 }.map { try #require(VRRPAuthenticationMode(rawValue: $0)) }
    var receiving = channel(modes[0])
    var sending = modes.count > 1 ? channel(modes[1]) : ChannelSettings.plain.channel
    #expect(rejection(receiving.answer(to: packet(of: &sending), at: utc(1000))) == expected)
  }

  @Test(arguments: VRRPAuthenticationMode.allCases)
  func `a wrong signature is rejected in every mode`(mode: VRRPAuthenticationMode) {
    var sender = channel(keys: [.init(identifier: 1, bytes: Self.new.bytes)])
    var receiver = channel(mode)
    #expect(rejection(receiver.answer(to: packet(of: &sender))) == .digest)
  }

  @Test func `keys are rotated without a rejected packet: add, sign, remove`() {
    let steps = [[Self.old], [Self.old, Self.new], [Self.new, Self.old], [Self.new]]
    for (before, after) in zip(steps, steps.dropFirst()) {
      for (signing, verifying) in [(before, after), (after, before), (after, after)] {
        var sender = channel(keys: signing)
        var receiver = channel(keys: verifying)
        #expect(rejection(receiver.answer(to: packet(of: &sender))) == nil)
      }
    }
  }

  @Test func `a replayed packet is rejected`() {
    var sender = channel()
    var receiver = channel()
    let first = packet(of: &sender)
    let second = packet(of: &sender)
    #expect(rejection(receiver.answer(to: first)) == nil)
    #expect(rejection(receiver.answer(to: first)) == .replayed)
    #expect(rejection(receiver.answer(to: second)) == nil)
    #expect(rejection(receiver.answer(to: first)) == .replayed)
    #expect(receiver.rejected[.replayed] == 2)
  }

  @Test func `each sender has its own sequence, and a packet is bound to its sender`() {
    var (one, other) = (channel(), channel())
    var receiver = channel()
    let late = packet(of: &one, at: utc(2000))
    let early = packet(of: &other, from: "192.0.2.3", at: utc(1000))
    #expect(rejection(receiver.answer(to: late)) == nil)
    #expect(rejection(receiver.answer(to: early, from: "192.0.2.3")) == nil)
    #expect(rejection(receiver.answer(to: packet(of: &one, at: utc(3000)), from: "192.0.2.3")) == .digest)
  }

  @Test func `an unauthenticated packet does not move the replay mark`() {
    var (sender, receiver) = (channel(), channel())
    let genuine = packet(of: &sender, at: utc(1000))
    var forged = packet(of: &sender, at: utc(9000))
    forged[forged.count - 1] ^= 1
    #expect(rejection(receiver.answer(to: forged)) == .digest)
    #expect(rejection(receiver.answer(to: genuine)) == nil)
  }

  @Test func `a clock that is set back at run time causes no rejection`() {
    var (sender, receiver) = (channel(), channel())
    for seconds in [5000, 5001, 100, 101, 4000, 5002] as [UInt64] {
      #expect(rejection(receiver.answer(to: packet(of: &sender, at: utc(seconds)))) == nil)
    }
  }

  @Test func `a node that restarts with an earlier clock is rejected as a replay until it has caught up`() {
    var (sender, restarted, receiver) = (channel(), channel(), channel())
    #expect(rejection(receiver.answer(to: packet(of: &sender, at: utc(5000)))) == nil)
    #expect(rejection(receiver.answer(to: packet(of: &restarted, at: utc(4000)))) == .replayed)
    #expect(rejection(receiver.answer(to: packet(of: &restarted, at: utc(5001)))) == nil)
  }

  @Test func `the sequence wraps with the 32-bit seconds (RFC 1982)`() {
    let end: UInt64 = 1 << 32
    var (sender, receiver) = (channel(window: .seconds(5)), channel(window: .seconds(5)))
    for seconds in [end - 2, end - 1, end, end + 1] {
      let answer = receiver.answer(to: packet(of: &sender, at: utc(seconds)), at: utc(end - 1))
      #expect(rejection(answer) == nil, "at \(seconds)")
    }
  }

  @Test func `staleness is checked before the key, and the key before the digest`() {
    var (sender, receiver) = (channel(), channel(window: .seconds(5)))
    var bytes = packet(of: &sender, at: utc(1000))
    bytes[13] = 9
    bytes[39] ^= 1
    #expect(rejection(receiver.answer(to: bytes, at: utc(2000))) == .stale(secondsAhead: -1000))
    #expect(rejection(receiver.answer(to: bytes, at: utc(1000))) == .unknownKey(9))
  }
}
