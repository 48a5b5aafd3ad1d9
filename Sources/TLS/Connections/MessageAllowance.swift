import COpenSSL

/// Limits the TLS messages that a peer may send after the handshake: KeyUpdate and NewSessionTicket in TLS 1.3 (RFC
/// 8446 §4.6), and renegotiation requests in TLS 1.2, each of which is refused.
///
///     0 ≤ left ≤ burst
///
/// A message costs about as much as a small record of application data, for decryption, key derivation and the reply,
/// and OpenSSL processes any number of them without returning to its caller. So each read of application data allows
/// one message and its reply. Normal peers stay far below the limit: a server sends a few tickets after its handshake,
/// and keys are updated after about 2²⁴ records (RFC 8446 §5.5) or after minutes.
struct MessageAllowance {
  /// The steps of 32 consecutive messages, BoringSSL's limit for KeyUpdate: one to read each and one to reply. At 10 µs
  /// each they block a loop for less than a millisecond.
  static let burst: Int8 = 64
  /// The steps that a read of application data adds.
  static let earned: Int8 = 2

  static let explanation = "dozens of TLS messages in a row, and hardly any application data between them"

  private var left = MessageAllowance.burst
  private var isCounting = false
  private(set) var isExceeded = false

  /// The handshake is done: messages count from now on.
  mutating func begin() { isCounting = true }

  /// A read returned application data.
  @inline(always)
  mutating func earn() {
    if left < MessageAllowance.burst { left = min(left + MessageAllowance.earned, MessageAllowance.burst) }
  }

  /// A message was received or answered; false when the limit is exceeded.
  mutating func spend() -> Bool {
    guard isCounting, !isExceeded else { return true }
    if left == 0 { isExceeded = true } else { left -= 1 }
    return !isExceeded
  }
}

/// OpenSSL's info callback, called for every step except application data. One message, a part of one, or a reply ends
/// with one exit from the state machine.
func handleProgress(ssl: OpaquePointer?, place: Int32, value: Int32) {
  // SAFETY: the state is valid as long as `ssl`, on whose thread this runs.
  guard place & SSL_CB_EXIT != 0, let state = unsafe SocketBIO.state(of: ssl) else { return }
  if unsafe !state.pointee.allowance.spend() {
    // The only way to stop OpenSSL between two messages: with the peer's direction closed it reads no record.
    unsafe SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN)
  }
}
