import COpenSSL
import Glibc
import Linux

/// The state of a connection's socket, used by the BIO during a call of OpenSSL.
struct SocketState: ~Copyable {
  /// Borrowed: its owner closes it after the connection.
  let descriptor: Int32
  /// A new socket is writable; readability is reported by events.
  var readiness: Readiness = .writable
  /// `recv` returned 0.
  var reachedEnd = false
  /// The errno of the last failed call; 0 when none failed.
  var systemError: Int32 = 0
  /// How many bytes OpenSSL may still read from the socket in this call. Without a limit it would continue over records
  /// without application data as long as any arrive.
  var budget = 0
  /// The limit on TLS messages after the handshake.
  var allowance = MessageAllowance()
  /// Why the peer's certificate was rejected.
  var refusal: TLSFailure?
  /// Only on the client side.
  let client: ClientState?
}

extension Readiness {
  /// `contains` and `remove` for one bit, which in the generic OptionSet take ten times the instructions.
  @inline(always)
  func has(_ bit: Readiness) -> Bool { rawValue & bit.rawValue != 0 }

  @inline(always)
  mutating func drop(_ bit: Readiness) { self = Readiness(rawValue: rawValue & ~bit.rawValue) }

  @inline(always)
  mutating func add(_ bits: Readiness) { self = Readiness(rawValue: rawValue | bits.rawValue) }
}

/// OpenSSL's view of the socket: a BIO that uses the recorded readiness, and returns "retry" without a system call when
/// there can be no data. One BIO serves both directions and all connections of a thread: each call of OpenSSL sets the
/// connection's socket in it.
@safe public final class SocketBIO {
  private let bio: OpaquePointer

  /// Traps when OpenSSL is out of memory: it is created at the start of a thread.
  public init() {
    // SAFETY: the method is static.
    guard let method = unsafe Self.method, let bio = unsafe BIO_new(method) else {
      preconditionFailure("OpenSSL has no memory for a BIO")
    }
    unsafe BIO_set_init(bio, 1)
    unsafe self.bio = bio
  }

  deinit {
    // SAFETY: connections hold their own references.
    unsafe BIO_free(bio)
  }

  /// Gives the connection references, for both directions.
  func attach(to ssl: OpaquePointer) {
    // SAFETY: both are valid; the SSL frees its references.
    unsafe BIO_up_ref(bio)
    unsafe SSL_set_bio(ssl, bio, bio)
  }

  /// The socket state of the current call, for OpenSSL's callbacks. Nil outside a call.
  static func state(of ssl: OpaquePointer?) -> UnsafeMutablePointer<SocketState>? {
    // SAFETY: every SSL here reads from a BIO of this class, whose data is the state of the connection in the call.
    unsafe BIO_get_data(SSL_get_rbio(ssl))?.assumingMemoryBound(to: SocketState.self)
  }

  /// Created once, never freed or changed afterwards.
  nonisolated(unsafe) private static let method: OpaquePointer? = {
    _ = Library.ready
    // SAFETY: the callbacks are functions of this file and follow the BIO's contract.
    guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "belvedere socket")
    else { return nil }
    unsafe BIO_meth_set_read_ex(method, receive)
    unsafe BIO_meth_set_write_ex(method, transmit)
    unsafe BIO_meth_set_ctrl(method, control)
    return unsafe method
  }()
}

/// Reads up to `capacity` bytes. Returns 1 with a count; 0 at the end of the stream; -1 with the retry flag when there
/// is no data; -1 without it on an error.
private func receive(
  bio: OpaquePointer?, bytes: UnsafeMutablePointer<CChar>?, capacity: Int, count: UnsafeMutablePointer<Int>?
) -> Int32 {
  // SAFETY: OpenSSL passes `capacity` bytes and a pointer for the count; the BIO's data is a valid SocketState.
  unsafe belvedere_bio_clear_retry(bio)
  unsafe count?.pointee = 0
  guard let state = unsafe BIO_get_data(bio)?.assumingMemoryBound(to: SocketState.self) else { return -1 }
  if unsafe state.pointee.reachedEnd { return 0 }
  // When the budget is spent the socket stays readable, so the caller knows that it need not wait.
  guard unsafe state.pointee.readiness.has(.readable), unsafe state.pointee.budget > 0 else {
    unsafe belvedere_bio_retry_read(bio)
    return -1
  }
  let size = unsafe min(capacity, state.pointee.budget)
  while true {
    let received = unsafe recv(state.pointee.descriptor, bytes, size, Int32(MSG_DONTWAIT))
    if received > 0 {
      // A short read drained the socket, and more bytes cause an event. The end of the stream has had its event
      // already, so after that event the socket stays readable until `recv` returns 0.
      if received < size, unsafe !state.pointee.readiness.has(.ended) {
        unsafe state.pointee.readiness.drop(.readable)
      }
      unsafe state.pointee.budget -= received
      unsafe count?.pointee = received
      return 1
    }
    if received == 0 {
      unsafe state.pointee.reachedEnd = true
      return 0
    }
    switch errno {
    case EINTR: continue
    case EAGAIN:
      unsafe state.pointee.readiness.drop(.readable)
      unsafe belvedere_bio_retry_read(bio)
      return -1
    default:
      unsafe state.pointee.systemError = errno
      return -1
    }
  }
}

/// Writes up to `size` bytes, with the same results. Raises no SIGPIPE.
private func transmit(
  bio: OpaquePointer?, bytes: UnsafePointer<CChar>?, size: Int, count: UnsafeMutablePointer<Int>?
) -> Int32 {
  // SAFETY: as in `receive`.
  unsafe belvedere_bio_clear_retry(bio)
  unsafe count?.pointee = 0
  guard let state = unsafe BIO_get_data(bio)?.assumingMemoryBound(to: SocketState.self) else { return -1 }
  guard unsafe state.pointee.readiness.has(.writable) else {
    unsafe belvedere_bio_retry_write(bio)
    return -1
  }
  while true {
    let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
    let sent = unsafe send(state.pointee.descriptor, bytes, size, flags)
    if sent >= 0 {
      if sent < size { unsafe state.pointee.readiness.drop(.writable) }
      unsafe count?.pointee = sent
      return 1
    }
    switch errno {
    case EINTR: continue
    case EAGAIN:
      unsafe state.pointee.readiness.drop(.writable)
      unsafe belvedere_bio_retry_write(bio)
      return -1
    default:
      unsafe state.pointee.systemError = errno
      return -1
    }
  }
}

/// Nothing is buffered here, so a flush does nothing. The end of the stream is not reported (BIO_CTRL_EOF): OpenSSL
/// would then close both directions, while `SocketState.reachedEnd` keeps ours open.
private func control(bio: OpaquePointer?, command: Int32, number: Int, pointer: UnsafeMutableRawPointer?) -> Int {
  command == BIO_CTRL_FLUSH ? 1 : 0
}
