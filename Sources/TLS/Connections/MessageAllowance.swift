import COpenSSL

/// How many messages of TLS's own a peer may send once the handshake is done: KeyUpdate and NewSessionTicket of TLS 1.3
/// (RFC 8446 §4.6), and requests for a renegotiation of TLS 1.2, which are refused one by one.
///
///     0 ≤ left ≤ burst
///
/// A message costs us about what a small record of application bytes costs, in decryption, in what is derived and in
/// what is answered, and OpenSSL goes on over all that come, without a word to its caller. So each read of application
/// bytes pays for one message with its answer. Normal peers stay far below the limit: a server sends a few tickets
/// after its handshake, and keys are changed after some 2²⁴ records (RFC 8446 §5.5) or every so many minutes.
struct MessageAllowance {
  /// The steps of 32 messages in a row, which is what BoringSSL allows of KeyUpdates: one to read each, and one to answer
  /// it. At 10 µs each they hold a loop up for less than a millisecond.
  static let burst: Int8 = 64
  /// What a read of application bytes earns.
  static let earned: Int8 = 2

  static let explanation = "dozens of TLS messages in a row, and hardly any application data between them"

  private var left = MessageAllowance.burst
  private var isCounting = false
  private(set) var isExceeded = false

  /// The handshake is done: from here on messages count.
  mutating func begin() { isCounting = true }

  /// A read gave application bytes.
  @inline(__always)
  mutating func earn() {
    if left < MessageAllowance.burst { left = min(left + MessageAllowance.earned, MessageAllowance.burst) }
  }

  /// A message has come, or was answered; false when it is one too many.
  mutating func spend() -> Bool {
    guard isCounting, !isExceeded else { return true }
    if left == 0 { isExceeded = true } else { left -= 1 }
    return !isExceeded
  }
}

/// Told by OpenSSL of each step that is no application data's, so it costs these nothing. One message, a part of it, or
/// its answer ends with one exit from the state machine.
func handleProgress(ssl: OpaquePointer?, place: Int32, value: Int32) {
  // SAFETY: the state lives as long as `ssl`, on whose thread this runs.
  guard place & SSL_CB_EXIT != 0, let state = unsafe SocketBIO.state(of: ssl) else { return }
  if unsafe !state.pointee.allowance.spend() {
    // OpenSSL has no way to stop it between two messages but this: with the peer's direction ended it reads no record.
    unsafe SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN)
  }
}
