import COpenSSL
import Synchronization

/// Sessions of TLS 1.2 clients without ticket support, by session ID (RFC 5246 §7.4.1.3), which the server has to
/// store. Shared by all loops and contexts like the ticket keys, and lost when the worker ends. Thread-safe.
///
///     newer.count ≤ capacity / 2, older.count ≤ capacity / 2
///
/// When the newer half is full it becomes the older one, and the previous older half is dropped: filling the cache
/// costs a full handshake for each session. The halves also rotate with the ticket keys, so that no master secret
/// outlives the ticket keys of its time.
public final class SessionCache: Sendable {
  /// The most sessions. OpenSSL's session takes 1 KB and its entry 0.1 KB: 9 MB in all, and nothing while all clients
  /// use tickets. A Horizon pod has 2,000 users per Connection Server.
  public static let capacity = 8_192

  private struct Halves {
    var newer: [SessionIdentifier: KeptSession] = [:]
    var older: [SessionIdentifier: KeptSession] = [:]

    /// Starts a new half; returns the oldest sessions, to be freed outside the lock.
    mutating func turn() -> [SessionIdentifier: KeptSession] {
      defer { (older, newer) = (newer, [:]) }
      return older
    }
  }

  private let halves = Mutex(Halves())

  /// The number of sessions.
  public var count: Int { halves.withLock { $0.newer.count + $0.older.count } }

  /// Drops the older half after a ticket key rotation.
  func age() { _ = halves.withLock { $0.turn() } }

  /// Stores an `SSL_SESSION` and owns its reference, unless it returns false.
  func keep(_ session: OpaquePointer) -> Bool {
    // SAFETY: the caller's session is valid for the call; `kept` owns its reference once this returns true.
    guard let identifier = unsafe SessionIdentifier(of: session) else { return false }
    let kept = unsafe KeptSession(adopting: session)
    _ = halves.withLock { halves in
      halves.newer[identifier] = kept
      return halves.newer.count < SessionCache.capacity / 2 ? [:] : halves.turn()
    }
    return true
  }

  /// The `SSL_SESSION` with this ID, with a reference that the caller owns.
  func find(_ bytes: UnsafeBufferPointer<UInt8>) -> OpaquePointer? {
    // SAFETY: the caller's bytes are valid for the call; a found session is held while its reference is made.
    guard let identifier = unsafe SessionIdentifier(bytes) else { return nil }
    return unsafe halves.withLock { $0.newer[identifier] ?? $0.older[identifier] }?.makeReference()
  }

  /// Removes a session that must not be resumed (RFC 5246 §7.2.2).
  func forget(_ session: OpaquePointer) {
    // SAFETY: the caller's session is valid for the call, and only its ID is read.
    guard let identifier = unsafe SessionIdentifier(of: session) else { return }
    _ = halves.withLock { halves in
      [halves.newer.removeValue(forKey: identifier), halves.older.removeValue(forKey: identifier)]
    }
  }
}

/// The 32-byte session ID that OpenSSL generates.
private struct SessionIdentifier: Hashable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  /// Nil when it is not such an ID.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard bytes.count == 32 else { return nil }
    // SAFETY: 32 bytes are read; the count was checked.
    let raw = UnsafeRawBufferPointer(bytes)
    words = (
      unsafe raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
      unsafe raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
      unsafe raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
      unsafe raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    )
  }

  /// The ID of an `SSL_SESSION`.
  init?(of session: OpaquePointer) {
    var count: UInt32 = 0
    // SAFETY: the ID is valid as long as the session.
    let bytes = unsafe SSL_SESSION_get_id(session, &count)
    unsafe self.init(UnsafeBufferPointer(start: bytes, count: Int(count)))
  }

  static func == (left: Self, right: Self) -> Bool { left.words == right.words }

  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

/// The owner of one reference to an `SSL_SESSION`. OpenSSL's reference count is thread-safe, and a TLS 1.2 session does
/// not change once created.
@safe private final class KeptSession: @unchecked Sendable {
  private let session: OpaquePointer

  init(adopting session: OpaquePointer) {
    // SAFETY: the caller gives up its reference, which `deinit` frees.
    unsafe self.session = session
  }

  deinit {
    // SAFETY: the reference that `init` took over.
    unsafe SSL_SESSION_free(session)
  }

  func makeReference() -> OpaquePointer {
    // SAFETY: valid as long as `self`; the caller owns the new reference.
    unsafe SSL_SESSION_up_ref(session)
    return unsafe session
  }
}
