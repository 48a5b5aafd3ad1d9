import Synchronization
import Wire

/// An OCSP response for a certificate, stapled for clients that request it in the handshake (RFC 6066 §8).
public struct Staple: Equatable, Sendable {
  /// An OCSPResponse in DER, sent unchanged.
  public let answer: [UInt8]
  /// When it expires.
  public let until: WallTime
}

/// The current staple of a certificate: set by the OCSP client, read by handshakes.
public final class StaplePlace: Sendable {
  private let staple = Mutex<Staple?>(nil)

  init() {}

  /// Replaces the staple.
  public func put(_ new: Staple?) { staple.withLock { $0 = new } }

  /// The staple, unless it has expired at `time`.
  public func staple(at time: WallTime) -> Staple? {
    staple.withLock { $0 }.flatMap { time <= $0.until ? $0 : nil }
  }
}
