import COpenSSL
import Synchronization
import Wire

/// The keys of session tickets (RFC 5077 §4, RFC 8446 §4.6.1): one that seals, and others that open as well. Shared by
/// all loops and contexts, and passed on at a reload, so that clients can still resume. Thread-safe.
///
/// A key can decrypt the TLS 1.2 sessions that its tickets resume. Without the secret of a pair, keys are random, only
/// in memory and short-lived: `ticketLifetime` = `interval` × `previous`. With it, each key is derived from the secret
/// and its epoch, so every node and every later worker has the same.
public final class TicketKeys: Sendable {
  /// How long a key seals tickets.
  public var interval: Interval { ring.withLock { $0.interval } }
  /// How many previous random keys still open tickets. At least 1.
  public let previous: Int

  private let ring: Mutex<Ring>
  /// Sessions of TLS 1.2 clients without ticket support.
  public let sessions = SessionCache()

  /// Clients can resume within a working day; a key lives at most a day.
  public static let defaultInterval = Interval.hours(12)
  public static let defaultPrevious = 1

  /// Generates the first key, at random.
  public init(
    at now: WallTime, interval: Interval = defaultInterval, previous: Int = defaultPrevious
  ) throws(TLSError) {
    _ = Library.ready
    precondition(previous >= 1)
    self.previous = previous
    ring = Mutex(
      Ring(interval: interval, epoch: TicketEpoch(at: now, interval: interval), keys: try Key.random()))
  }

  /// How long a ticket is valid: its key opens it for at least this long, even if it was sealed at the end of the key's
  /// interval.
  public var ticketLifetime: Interval {
    Interval(nanoseconds: interval.nanoseconds &* UInt64(previous))
  }

  /// Replaces the keys when a new epoch has begun. Throws when there is no randomness; the keys are then unchanged.
  public func rotate(at now: WallTime) throws(TLSError) {
    try ring.withLock { ring throws(TLSError) in
      let epoch = TicketEpoch(at: now, interval: ring.interval)
      guard epoch != ring.epoch else { return }
      if let secrets = ring.secrets {
        ring.keys = Key.derived(from: secrets, at: epoch)
      } else {
        ring.keys = try Key.random(before: ring.keys, previous)
      }
      ring.epoch = epoch
      sessions.age()
    }
  }

  /// Applies a configuration: another interval, and the secret of a pair.
  public func adopt(_ secrets: PairSecrets?, every interval: Interval, at now: WallTime) {
    ring.withLock { ring in
      ring.interval = interval
      ring.epoch = TicketEpoch(at: now, interval: interval)
      guard let secrets else { return }
      ring.secrets = secrets
      ring.keys = Key.derived(from: secrets, at: ring.epoch)
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

/// The keys of an epoch, one after another: the one that seals first.
private struct Ring: ~Copyable {
  var interval: Interval
  var epoch: TicketEpoch
  var secrets: PairSecrets?
  var keys: SecretBytes

  var count: Int { keys.count / Key.size }

  init(interval: Interval, epoch: TicketEpoch, keys: consuming SecretBytes) {
    self.interval = interval
    self.epoch = epoch
    self.keys = keys
  }

  /// `index` must be below `count`.
  func withKey<Result>(at index: Int, _ body: (Key) -> Result) -> Result {
    unsafe keys.withBytes { all in
      precondition(index < count)
      // SAFETY: the key is inside the storage; it is used only within the call.
      let start = unsafe all.bindMemory(to: UInt8.self).baseAddress.unsafelyUnwrapped
      return body(unsafe Key(name: start.advanced(by: index * Key.size)))
    }
  }
}

extension Key {
  /// A new key.
  static func random() throws(TLSError) -> SecretBytes {
    let key = SecretBytes(count: size)
    // SAFETY: OpenSSL fills the key.
    let made = unsafe key.withBytes { unsafe RAND_bytes($0.baseAddress, Int32($0.count)) }
    guard made == 1 else { throw .openssl(doing: "making a ticket key", reason: takeQueuedReason()) }
    return key
  }

  /// A new key before at most `limit` of these.
  static func random(before keys: borrowing SecretBytes, _ limit: Int) throws(TLSError) -> SecretBytes {
    let all = SecretBytes(count: size + min(keys.count, limit * size))
    all.write(try random(), at: 0)
    all.write(keys, at: size)
    return all
  }

  /// The keys of an epoch and of those beside it, from each of the secrets.
  static func derived(from secrets: PairSecrets, at epoch: TicketEpoch) -> SecretBytes {
    let numbers = epoch.opening
    let all = SecretBytes(count: secrets.count * numbers.count * size)
    for index in 0..<secrets.count {
      for (position, number) in numbers.enumerated() {
        let label = Array("belvedere tickets \(number)".utf8)
        all.write(secrets.key(label, of: index, size: size), at: (index * numbers.count + position) * size)
      }
    }
    return all
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
