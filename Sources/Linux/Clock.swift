import CLinux
import Wire

/// The two clocks. Only edges read them.
package enum Clock {
  /// Time that never goes back, for every deadline.
  package static func monotonic() -> Instant { Instant(nanoseconds: cl_clock_nanoseconds(CLOCK_MONOTONIC)) }

  /// Nanoseconds since the Unix epoch, UTC, for people and logs only.
  package static func wall() -> UInt64 { cl_clock_nanoseconds(CLOCK_REALTIME) }
}
