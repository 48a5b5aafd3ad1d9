import COpenSSL
import Synchronization

/// Sessions of TLS 1.2 clients that take no tickets, by session id (RFC 5246 §7.4.1.3): for these the server has to
/// remember. Shared by every loop and every context like the ticket keys, and gone with the worker. Thread-safe.
///
///     newer.count ≤ capacity / 2, older.count ≤ capacity / 2
///
/// A full half becomes the older one, and the one before it is dropped: whoever fills the cache pays a full handshake
/// for each session. The halves change places also with the ticket keys, so that no master secret outlives the keys that
/// could open a ticket of its time.
public final class SessionCache: Sendable {
  /// At most. OpenSSL's session takes 1 KB, its place here 0.1: 9 MB in all, and nothing while every client takes
  /// tickets. A pod of Horizon has 2,000 users to a Connection Server.
  public static let capacity = 8_192

  private struct Halves {
    var newer: [SessionIdentifier: KeptSession] = [:]
    var older: [SessionIdentifier: KeptSession] = [:]

    /// Begins a new half; the oldest sessions are the caller's, to be freed outside the lock.
    mutating func turn() -> [SessionIdentifier: KeptSession] {
      defer { (older, newer) = (newer, [:]) }
      return older
    }
  }

  private let halves = Mutex(Halves())

  /// How many there are.
  public var count: Int { halves.withLock { $0.newer.count + $0.older.count } }

  /// Drops the older half: the ticket keys have changed.
  func age() { _ = halves.withLock { $0.turn() } }

  /// Takes over a reference to an `SSL_SESSION` unless it answers false.
  func keep(_ session: OpaquePointer) -> Bool {
    // SAFETY: the caller's session is live for the call; its reference is `kept`'s once this answers true.
    guard let identifier = unsafe SessionIdentifier(of: session) else { return false }
    let kept = unsafe KeptSession(adopting: session)
    _ = halves.withLock { halves in
      halves.newer[identifier] = kept
      return halves.newer.count < SessionCache.capacity / 2 ? [:] : halves.turn()
    }
    return true
  }

  /// A reference of the caller's own to the `SSL_SESSION` with this identifier.
  func find(_ bytes: UnsafeBufferPointer<UInt8>) -> OpaquePointer? {
    // SAFETY: the bytes are the caller's, live for the call; a found session is held while its reference is made.
    guard let identifier = unsafe SessionIdentifier(bytes) else { return nil }
    return unsafe halves.withLock { $0.newer[identifier] ?? $0.older[identifier] }?.makeReference()
  }

  /// It must not be resumed any more (RFC 5246 §7.2.2).
  func forget(_ session: OpaquePointer) {
    // SAFETY: the caller's session is live for the call, and only its identifier is read.
    guard let identifier = unsafe SessionIdentifier(of: session) else { return }
    _ = halves.withLock { halves in
      [halves.newer.removeValue(forKey: identifier), halves.older.removeValue(forKey: identifier)]
    }
  }
}

/// The 32 bytes that OpenSSL makes up for a session.
private struct SessionIdentifier: Hashable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  /// nil for what is no identifier of ours.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard bytes.count == 32 else { return nil }
    // SAFETY: 32 bytes are read, which were counted.
    let raw = UnsafeRawBufferPointer(bytes)
    words = (
      unsafe raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
      unsafe raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
      unsafe raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
      unsafe raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    )
  }

  /// Of an `SSL_SESSION`.
  init?(of session: OpaquePointer) {
    var count: UInt32 = 0
    // SAFETY: the session lends its identifier for as long as it lives.
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

/// The owner of one reference to an `SSL_SESSION`. OpenSSL counts references under its own lock, and does not change a
/// session of TLS 1.2 once it is made.
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
    // SAFETY: live as long as `self`; the reference made here is the caller's to free.
    unsafe SSL_SESSION_up_ref(session)
    return unsafe session
  }
}
