import COpenSSL
import Synchronization
import Wire

/// The keys that session tickets are sealed with (RFC 5077 §4, RFC 8446 §4.6.1): one that seals, and the ones before
/// it that still open. Shared by every loop and every context, and handed from one configuration to the next, so that a
/// reload costs no client its session. Thread-safe.
///
/// Whoever has a key can read the TLS 1.2 sessions that its tickets resume, so keys live in memory only and a short
/// time: `ticketLifetime` = `interval` × `previous`.
public final class TicketKeys: Sendable {
  /// How long a key seals.
  public var interval: Interval { ring.withLock { $0.interval } }
  /// How many keys before it still open. At least 1.
  public let previous: Int

  private let ring: Mutex<Ring>
  /// For TLS 1.2 clients that take no ticket.
  public let sessions = SessionCache()

  /// A client comes back within a working day without a full handshake; a key lives no longer than a day.
  public static let defaultInterval = Interval.hours(12)
  public static let defaultPrevious = 1

  /// Makes the first key.
  public init(
    at now: Instant, interval: Interval = defaultInterval, previous: Int = defaultPrevious
  ) throws(TLSError) {
    _ = Library.ready
    precondition(previous >= 1 && interval > .zero)
    self.previous = previous
    var ring = Ring(capacity: previous + 1, interval: interval, nextRotation: now + interval)
    try ring.push()
    self.ring = Mutex(ring)
  }

  /// How long a ticket is good for: while its key opens, whenever in the key's time it was sealed.
  public var ticketLifetime: Interval {
    Interval(nanoseconds: interval.nanoseconds &* UInt64(previous))
  }

  /// When `rotate` has to be called next.
  public var nextRotation: Instant { ring.withLock { $0.nextRotation } }

  /// Makes a new sealing key when it is time, and forgets the oldest. Throws when there is no randomness; the keys
  /// then stay as they are.
  public func rotate(at now: Instant) throws(TLSError) {
    try ring.withLock { ring throws(TLSError) in
      guard now >= ring.nextRotation else { return }
      try ring.push()
      ring.nextRotation = now + ring.interval
      sessions.age()
    }
  }

  /// Changes how long a key seals, from the next rotation on, which comes no later than that.
  public func rotate(every interval: Interval, at now: Instant) {
    precondition(interval > .zero)
    ring.withLock { ring in
      ring.interval = interval
      ring.nextRotation = min(ring.nextRotation, now + interval)
    }
  }

  /// The answer to OpenSSL's ticket callback (SSL_CTX_set_tlsext_ticket_key_evp_cb) when it seals: 1, or -1.
  func seal(
    name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer
  ) -> Int32 {
    // SAFETY: OpenSSL gives 16 bytes for the name, EVP_MAX_IV_LENGTH for the vector, and live contexts.
    guard unsafe RAND_bytes(iv, Key.ivSize) == 1 else { return -1 }
    return ring.withLock { ring in
      ring.withKey(at: 0) { key in
        unsafe name.update(from: key.name, count: Key.nameSize)
        return unsafe key.prepare(cipher: cipher, mac: mac, iv: iv, sealing: true) ? 1 : -1
      }
    }
  }

  /// The answer when it opens: 1, 2 when the client should have a new ticket, 0 when no key here made it.
  func open(
    name: UnsafePointer<UInt8>, iv: UnsafePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer, renewing: Bool
  ) -> Int32 {
    // SAFETY: as above; the name is 16 bytes that the client sent.
    ring.withLock { ring in
      for index in 0..<ring.count {
        let answer: Int32? = ring.withKey(at: index) { key in
          guard unsafe CRYPTO_memcmp(key.name, name, Key.nameSize) == 0 else { return nil }
          guard unsafe key.prepare(cipher: cipher, mac: mac, iv: iv, sealing: false) else { return -1 }
          return renewing || index > 0 ? 2 : 1
        }
        if let answer { return answer }
      }
      return 0
    }
  }
}

/// The keys, newest first, in one piece of memory that is zeroed when dropped.
private struct Ring: ~Copyable {
  var interval: Interval
  var nextRotation: Instant
  private(set) var count = 0
  private let capacity: Int
  private let storage: SecretBytes

  init(capacity: Int, interval: Interval, nextRotation: Instant) {
    self.capacity = capacity
    self.interval = interval
    self.nextRotation = nextRotation
    storage = SecretBytes(count: capacity * Key.size)
  }

  /// Puts a fresh key in front; the last falls off when there is no room.
  mutating func push() throws(TLSError) {
    let fresh = SecretBytes(count: Key.size)
    let made = unsafe fresh.withBytes { unsafe RAND_bytes($0.baseAddress, Int32($0.count)) }
    guard made == 1 else { throw .openssl(doing: "making a ticket key", reason: takeQueuedReason()) }
    let kept = min(count, capacity - 1)
    unsafe storage.withBytes { all in
      // SAFETY: `kept` keys and one more fit into `capacity` keys; copyMemory allows the overlap.
      let tail = unsafe UnsafeMutableRawBufferPointer(rebasing: all[Key.size...])
      unsafe tail.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[..<(kept * Key.size)]))
      unsafe fresh.withBytes { unsafe all.copyMemory(from: UnsafeRawBufferPointer($0)) }
    }
    count = kept + 1
  }

  /// `index` is below `count`.
  func withKey<Result>(at index: Int, _ body: (Key) -> Result) -> Result {
    unsafe storage.withBytes { all in
      precondition(index < count)
      // SAFETY: the key lies within the storage; it is used within the call only.
      let start = unsafe all.bindMemory(to: UInt8.self).baseAddress.unsafelyUnwrapped
      return body(unsafe Key(name: start.advanced(by: index * Key.size)))
    }
  }
}

/// A view of one key: 16 bytes of name, 32 of AES-256 key, 32 of HMAC-SHA-256 key.
@safe private struct Key {
  static let nameSize = 16
  static let secretSize = 32
  static let size = nameSize + 2 * secretSize
  static let ivSize: Int32 = 16

  let name: UnsafeMutablePointer<UInt8>

  /// AES-256-CBC, fetched once: a fetch by name costs more than the encryption of a ticket.
  // SAFETY: fetched once, never freed, never changed; OpenSSL counts its references under a lock.
  nonisolated(unsafe) private static let aes = unsafe EVP_CIPHER_fetch(nil, "AES-256-CBC", nil)

  func prepare(cipher: OpaquePointer, mac: OpaquePointer, iv: UnsafePointer<UInt8>, sealing: Bool) -> Bool {
    // SAFETY: `name` begins `size` bytes; the contexts and the vector are OpenSSL's, live for the callback.
    let encryption = unsafe name.advanced(by: Self.nameSize)
    let authentication = unsafe encryption.advanced(by: Self.secretSize)
    guard unsafe EVP_CipherInit_ex2(cipher, Self.aes, encryption, iv, sealing ? 1 : 0, nil) == 1 else { return false }
    return unsafe belvedere_mac_init_sha256(mac, authentication, Self.secretSize) == 1
  }
}
