import COpenSSL
import Synchronization
import Wire

/// The keys of session tickets (RFC 5077 §4, RFC 8446 §4.6.1): one that seals, and previous ones that still open.
/// Shared by all loops and contexts, and passed on at a reload, so that clients can still resume. Thread-safe.
///
/// A key can decrypt the TLS 1.2 sessions that its tickets resume, so keys are only in memory and short-lived:
/// `ticketLifetime` = `interval` × `previous`.
public final class TicketKeys: Sendable {
  /// How long a key seals tickets.
  public var interval: Interval { ring.withLock { $0.interval } }
  /// How many previous keys still open tickets. At least 1.
  public let previous: Int

  private let ring: Mutex<Ring>
  /// Sessions of TLS 1.2 clients without ticket support.
  public let sessions = SessionCache()

  /// Clients can resume within a working day; a key lives at most a day.
  public static let defaultInterval = Interval.hours(12)
  public static let defaultPrevious = 1

  /// Generates the first key.
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

  /// How long a ticket is valid: its key opens it for at least this long, even if it was sealed at the end of the key's
  /// interval.
  public var ticketLifetime: Interval {
    Interval(nanoseconds: interval.nanoseconds &* UInt64(previous))
  }

  /// When `rotate` is due next.
  public var nextRotation: Instant { ring.withLock { $0.nextRotation } }

  /// Generates a new sealing key when due, and drops the oldest. Throws when there is no randomness; the keys are then
  /// unchanged.
  public func rotate(at now: Instant) throws(TLSError) {
    try ring.withLock { ring throws(TLSError) in
      guard now >= ring.nextRotation else { return }
      try ring.push()
      ring.nextRotation = now + ring.interval
      sessions.age()
    }
  }

  /// Changes the interval; the next rotation is due after this interval at the latest.
  public func rotate(every interval: Interval, at now: Instant) {
    precondition(interval > .zero)
    ring.withLock { ring in
      ring.interval = interval
      ring.nextRotation = min(ring.nextRotation, now + interval)
    }
  }

  /// Seals a ticket for OpenSSL's callback (SSL_CTX_set_tlsext_ticket_key_evp_cb). Returns 1, or -1 on an error.
  func seal(
    name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer
  ) -> Int32 {
    // SAFETY: OpenSSL passes 16 bytes for the name, EVP_MAX_IV_LENGTH for the vector, and valid contexts.
    guard unsafe RAND_bytes(iv, Key.ivSize) == 1 else { return -1 }
    return ring.withLock { ring in
      ring.withKey(at: 0) { key in
        unsafe name.update(from: key.name, count: Key.nameSize)
        return unsafe key.prepare(cipher: cipher, mac: mac, iv: iv, sealing: true) ? 1 : -1
      }
    }
  }

  /// Opens a ticket. Returns 1; 2 when the client should get a new ticket; 0 when no key matches.
  func open(
    name: UnsafePointer<UInt8>, iv: UnsafePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer, renewing: Bool
  ) -> Int32 {
    // SAFETY: as above; the name is 16 bytes from the client.
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

/// The keys, newest first, in one allocation that is zeroed in `deinit`.
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

  /// Inserts a new key in front; the last is dropped when there is no room.
  mutating func push() throws(TLSError) {
    let fresh = SecretBytes(count: Key.size)
    let made = unsafe fresh.withBytes { unsafe RAND_bytes($0.baseAddress, Int32($0.count)) }
    guard made == 1 else { throw .openssl(doing: "making a ticket key", reason: takeQueuedReason()) }
    let kept = min(count, capacity - 1)
    unsafe storage.withBytes { all in
      // SAFETY: `kept` keys and one more fit in `capacity` keys; copyMemory allows the overlap.
      let tail = unsafe UnsafeMutableRawBufferPointer(rebasing: all[Key.size...])
      unsafe tail.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[..<(kept * Key.size)]))
      unsafe fresh.withBytes { unsafe all.copyMemory(from: UnsafeRawBufferPointer($0)) }
    }
    count = kept + 1
  }

  /// `index` must be below `count`.
  func withKey<Result>(at index: Int, _ body: (Key) -> Result) -> Result {
    unsafe storage.withBytes { all in
      precondition(index < count)
      // SAFETY: the key is inside the storage; it is used only within the call.
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
    // SAFETY: `name` points to `size` bytes; OpenSSL's contexts and vector are valid for the callback.
    let encryption = unsafe name.advanced(by: Self.nameSize)
    let authentication = unsafe encryption.advanced(by: Self.secretSize)
    guard unsafe EVP_CipherInit_ex2(cipher, Self.aes, encryption, iv, sealing ? 1 : 0, nil) == 1 else { return false }
    return unsafe belvedere_mac_init_sha256(mac, authentication, Self.secretSize) == 1
  }
}
