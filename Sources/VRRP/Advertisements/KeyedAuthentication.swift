import Domain
import Wire

/// Keyed authentication of one virtual router's advertisements (draft-cassen-vrrp-auth-hmac): signs sent messages,
/// verifies received ones, and rejects replays by each sender's last sequence.
package struct KeyedAuthentication: Sendable {
  /// One key of 32 to 64 bytes, and its identifier, 1 to 255, which is the same on both nodes.
  package struct Key: Hashable, Sendable {
    package var identifier: UInt8
    package var bytes: [UInt8]

    package init(identifier: UInt8, bytes: [UInt8]) {
      self.identifier = identifier
      self.bytes = bytes
    }
  }

  /// All of it except the mode must be the same on both nodes.
  package struct Settings: Hashable, Sendable {
    package var mode: VRRPAuthenticationMode
    /// The first key signs, all of them verify. Identifiers are unique.
    package var keys: [Key]
    /// The largest accepted difference between a trailer's time and ours; nil: times only have to grow. With a window,
    /// clocks that differ by more make both nodes Active.
    package var window: Interval?

    package init(mode: VRRPAuthenticationMode, keys: [Key], window: Interval?) {
      self.mode = mode
      self.keys = keys
      self.window = window
    }
  }

  /// HMAC-SHA256 (RFC 2104) of a message with a key: 32 bytes. The caller provides it from its cryptographic library.
  package typealias Digest = @Sendable (_ key: [UInt8], _ message: [UInt8]) -> [UInt8]

  package let settings: Settings
  private let digest: Digest
  private var lastSent: AuthenticationSequence?
  /// The last sequence of each sender. Only a sender with a valid key gets an entry, so there are as many as nodes.
  private var marks: [IPAddress: AuthenticationSequence] = [:]

  package init(_ settings: Settings, digest: @escaping Digest) {
    self.settings = settings
    self.digest = digest
  }

  /// The trailer of a message; empty when advertisements are not signed.
  mutating func sign(_ message: [UInt8], from source: IPAddress, at time: WallTime) -> [UInt8] {
    guard settings.mode != .receiveOnly, let key = settings.keys.first else { return [] }
    let clock = AuthenticationSequence(time)
    // The clock may have been set back.
    let sequence = lastSent.map { clock.isAfter($0) ? clock : $0.next } ?? clock
    lastSent = sequence
    var trailer = KeyedTrailer(keyIdentifier: key.identifier, sequence: sequence)
    trailer.digest = truncatedDigest(key.bytes, trailer.digestInput(message: message, source: source))
    return trailer.encoded
  }

  /// Verifies the trailer of a message. The sender's last sequence is updated only when all checks passed.
  mutating func verify(
    _ message: [UInt8], trailer bytes: Span<UInt8>, from source: IPAddress, at time: WallTime
  ) throws(AdvertisementRejection) {
    guard bytes.count > 0 else {
      if settings.mode == .enforce { throw .unsigned }
      return
    }
    guard let trailer = KeyedTrailer(bytes) else { throw .trailerMalformed }
    let ahead = trailer.sequence.secondsAhead(of: time)
    if let window = settings.window, Interval.seconds(UInt64(ahead.magnitude)) > window {
      throw .stale(secondsAhead: ahead)
    }
    guard let key = settings.keys.first(where: { $0.identifier == trailer.keyIdentifier }) else {
      throw .unknownKey(trailer.keyIdentifier)
    }
    let expected = truncatedDigest(key.bytes, trailer.digestInput(message: message, source: source))
    guard expected.isEqualInConstantTime(to: trailer.digest) else { throw .digest }
    if let mark = marks[source], !trailer.sequence.isAfter(mark) { throw .replayed }
    marks[source] = trailer.sequence
  }

  private func truncatedDigest(_ key: [UInt8], _ input: [UInt8]) -> [UInt8] {
    Array(digest(key, input).prefix(KeyedTrailer.digestBytes))
  }
}
