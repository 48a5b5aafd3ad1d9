import Synchronization
import Wire

/// What its authority last said of a certificate, for clients that ask for it in their handshake (RFC 6066 §8).
public struct Staple: Equatable, Sendable {
  /// An OCSPResponse in DER, as it goes to clients.
  public let answer: [UInt8]
  /// After that it is worth nothing.
  public let until: WallTime
}

/// Where a certificate's staple is: put there by whoever asks the authority, read by handshakes.
public final class StaplePlace: Sendable {
  private let staple = Mutex<Staple?>(nil)

  init() {}

  /// Staples this from now on.
  public func put(_ new: Staple?) { staple.withLock { $0 = new } }

  /// The staple, unless it is worth nothing any more at `time`.
  public func staple(at time: WallTime) -> Staple? {
    staple.withLock { $0 }.flatMap { time <= $0.until ? $0 : nil }
  }
}
