import Synchronization

/// What its authority last said of a certificate, for clients that ask for it in their handshake (RFC 6066 §8).
public struct Staple: Equatable, Sendable {
  /// An OCSPResponse in DER, as it goes to clients.
  public let answer: [UInt8]
  /// Seconds since 1970 in UTC after which it is worth nothing.
  public let until: Int64
}

/// Where a certificate's staple is: put there by whoever asks the authority, read by handshakes.
public final class StaplePlace: Sendable {
  private let staple = Mutex<Staple?>(nil)

  init() {}

  /// Staples this from now on.
  public func put(_ new: Staple?) { staple.withLock { $0 = new } }

  /// The staple, unless it is worth nothing any more at `seconds` since 1970.
  public func staple(at seconds: Int64) -> Staple? {
    staple.withLock { $0 }.flatMap { seconds <= $0.until ? $0 : nil }
  }
}
