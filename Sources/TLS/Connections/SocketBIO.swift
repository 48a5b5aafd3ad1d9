import COpenSSL
import Glibc
import Linux

/// What one connection knows of its socket, and its BIO during a call of OpenSSL's.
struct SocketState: ~Copyable {
  /// Borrowed: whoever made the connection closes it, after the connection.
  let descriptor: Int32
  /// A fresh socket has room; what can be read only an event can tell.
  var readiness: Readiness = .writable
  /// `recv` answered 0.
  var reachedEnd = false
  /// The errno of the last failed call; 0 when none failed.
  var systemError: Int32 = 0
  /// How many bytes OpenSSL may still take from the socket in this call. It goes on over records that bring the
  /// application nothing for as long as there are any, so each call ends with what it was given.
  var budget = 0
  /// What the peer may still send beside application bytes.
  var allowance = MessageAllowance()
  /// Only where we are the client.
  let client: ClientState?
}

extension Readiness {
  /// `contains` and `remove` for one bit, which go through the generic OptionSet at ten times the instructions.
  @inline(__always)
  func has(_ bit: Readiness) -> Bool { rawValue & bit.rawValue != 0 }

  @inline(__always)
  mutating func drop(_ bit: Readiness) { self = Readiness(rawValue: rawValue & ~bit.rawValue) }

  @inline(__always)
  mutating func add(_ bits: Readiness) { self = Readiness(rawValue: rawValue | bits.rawValue) }
}

/// The socket as OpenSSL sees it: a BIO that knows the readiness it was told, and so answers "retry" without a system
/// call when nothing can be there. One for both directions, and for all connections of a thread: it is lent a
/// connection's socket for as long as one call of OpenSSL's.
@safe public final class SocketBIO {
  private let bio: OpaquePointer

  /// Traps when OpenSSL has no memory: it is made at the start of a thread.
  public init() {
    // SAFETY: the method is static.
    guard let method = unsafe Self.method, let bio = unsafe BIO_new(method) else {
      preconditionFailure("OpenSSL has no memory for a BIO")
    }
    unsafe BIO_set_init(bio, 1)
    unsafe self.bio = bio
  }

  deinit {
    // SAFETY: connections hold references of their own.
    unsafe BIO_free(bio)
  }

  /// Gives the connection a reference, for both directions.
  func attach(to ssl: OpaquePointer) {
    // SAFETY: both are live; the SSL frees what it is given.
    unsafe BIO_up_ref(bio)
    unsafe SSL_set_bio(ssl, bio, bio)
  }

  /// The socket that a connection's BIO is lent, for OpenSSL's callbacks. nil outside a call.
  static func state(of ssl: OpaquePointer?) -> UnsafeMutablePointer<SocketState>? {
    // SAFETY: every SSL in here reads from a BIO of this class, whose data is the state of the connection in the call.
    unsafe BIO_get_data(SSL_get_rbio(ssl))?.assumingMemoryBound(to: SocketState.self)
  }

  /// Made once, never freed, never changed after.
  nonisolated(unsafe) private static let method: OpaquePointer? = {
    // SAFETY: the callbacks are functions of this file and keep to the BIO's contract.
    guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "belvedere socket")
    else { return nil }
    unsafe BIO_meth_set_read_ex(method, receive)
    unsafe BIO_meth_set_write_ex(method, transmit)
    unsafe BIO_meth_set_ctrl(method, control)
    return unsafe method
  }()
}

/// Reads up to `capacity` bytes. 1 with a count; 0 at the end of the stream; -1 with the retry flag when nothing is
/// there, -1 without it when the socket is broken.
private func receive(
  bio: OpaquePointer?, bytes: UnsafeMutablePointer<CChar>?, capacity: Int, count: UnsafeMutablePointer<Int>?
) -> Int32 {
  // SAFETY: OpenSSL hands `capacity` bytes and a place for the count; the BIO's data is a live SocketState.
  unsafe belvedere_bio_clear_retry(bio)
  unsafe count?.pointee = 0
  guard let state = unsafe BIO_get_data(bio)?.assumingMemoryBound(to: SocketState.self) else { return -1 }
  if unsafe state.pointee.reachedEnd { return 0 }
  // With the budget spent the socket stays readable: that is how the caller knows that this is no reason to wait.
  guard unsafe state.pointee.readiness.has(.readable), unsafe state.pointee.budget > 0 else {
    unsafe belvedere_bio_retry_read(bio)
    return -1
  }
  let size = unsafe min(capacity, state.pointee.budget)
  while true {
    let received = unsafe recv(state.pointee.descriptor, bytes, size, Int32(MSG_DONTWAIT))
    if received > 0 {
      // A short read drained the socket, and the next bytes bring an event. But the end of the stream has had its
      // event already, so once that was told the socket stays readable until `recv` says 0.
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

/// Writes up to `size` bytes, with the same answers. A broken socket raises no SIGPIPE.
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

/// Nothing is buffered here, so a flush has nothing to do. The end of the stream is not reported (BIO_CTRL_EOF): OpenSSL
/// would break both directions for it, while `SocketState.reachedEnd` leaves ours working.
private func control(bio: OpaquePointer?, command: Int32, number: Int, pointer: UnsafeMutableRawPointer?) -> Int {
  command == BIO_CTRL_FLUSH ? 1 : 0
}
