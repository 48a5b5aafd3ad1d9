import COpenSSL
import Domain
import Linux

/// One TLS connection on a non-blocking socket: the owner of an `SSL` and of the socket's state. The descriptor is
/// borrowed: its owner closes it after the connection.
///
/// Order of calls: pass an event's readiness to `became`; call `handshake` until `.done`; then `read` and `write` in
/// any order until each would block; `sendCloseNotify` after the last write. No call blocks, and none makes a system
/// call that the readiness shows to be useless.
@safe public struct TLSConnection: ~Copyable {
  /// What the last read waits for; nothing after a read that returned bytes.
  private enum Awaited { case nothing, readable, writable }

  let ssl: OpaquePointer
  private var state: SocketState
  /// Kept until `ssl` is freed, since its callbacks use it.
  private let owner: AnyObject
  private var awaited = Awaited.nothing
  private var closeNotifySent = false
  /// How many more times the handshake may yield.
  private var handshakeYields = TLSConnection.longestHandshake
  /// Set by the first failure; all later calls return it.
  private var failure: TLSFailure?
  /// A write failure; received data can still be read.
  private var writeFailure: TLSFailure?

  /// The server side of a connection. `bio` may be shared by connections of the same thread.
  public init(
    accepting descriptor: Int32, context: ServerContext, through bio: SocketBIO = SocketBIO()
  ) throws(TLSError) {
    // SAFETY: the context is valid as long as `owner`.
    try unsafe self.init(descriptor, SSLMaker(context: context.first), bio, owner: context, client: nil)
    unsafe SSL_set_accept_state(ssl)
  }

  /// The client side of a connection to the server `serverName`. A session from another context or name, or one that is
  /// no longer resumable, is ignored.
  public init(
    connecting descriptor: Int32, context: ClientContext, serverName: ReferenceIdentity,
    session: borrowing TLSSession? = nil,
    through bio: SocketBIO = SocketBIO()
  ) throws(TLSError) {
    // SAFETY: the context is valid as long as `owner`.
    let maker = try unsafe SSLMaker(context: context.context)
    try maker.ask(for: serverName, checking: context.trust.checksChain)
    switch session {
    case .some(let session):
      if session.context === context, session.serverName == serverName, session.isResumable { maker.resume(session) }
    case .none: break
    }
    let client = ClientState(context: context, serverName: serverName)
    self.init(descriptor, maker, bio, owner: context, client: client)
    unsafe SSL_set_connect_state(ssl)
  }

  /// A connection between the nodes of a pair, on the side that the context is for.
  public init(
    _ descriptor: Int32, context: PairContext, through bio: SocketBIO = SocketBIO()
  ) throws(TLSError) {
    // SAFETY: the context is valid as long as `owner`.
    try unsafe self.init(descriptor, SSLMaker(context: context.context), bio, owner: context, client: nil)
    switch context.side {
    case .server: unsafe SSL_set_accept_state(ssl)
    case .client: unsafe SSL_set_connect_state(ssl)
    }
  }

  private init(
    _ descriptor: Int32, _ maker: consuming SSLMaker, _ bio: SocketBIO, owner: AnyObject, client: ClientState?
  ) {
    // SAFETY: this value owns the `SSL` from here on, which takes its own references to the BIO.
    unsafe ssl = maker.take()
    unsafe bio.attach(to: ssl)
    state = SocketState(descriptor: descriptor, client: client)
    self.owner = owner
  }

  deinit {
    // Without this OpenSSL would invalidate the session because the connection ended without close_notify. (A fatal
    // alert has invalidated it already.)
    // SAFETY: this value owns `ssl`.
    unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
    unsafe SSL_free(ssl)
  }

  /// A handshake reads at most this many times `bytesPerCall`. The largest messages that OpenSSL accepts are 100 KB; a
  /// peer that sends them in one-byte records is malicious.
  private static let longestHandshake = 4
  /// The most that one call reads from the socket: one system call's worth.
  private static let bytesPerCall = Int(BELVEDERE_READ_BUFFER)

  // MARK: - Readiness

  /// The socket's readiness, as far as known.
  public var readiness: Readiness {
    get { state.readiness }
    set { state.readiness = newValue }
  }

  /// Adds an event's readiness.
  public mutating func became(_ event: Readiness) {
    state.readiness.add(event)
    if event.has(.ended) { state.readiness.add(.readable) }
  }

  /// Whether a read may return bytes: from the socket, or already read or decrypted.
  public var mayRead: Bool {
    switch awaited {
    // SAFETY: `ssl` is valid as long as `self`.
    case .nothing: unsafe readiness.has(.readable) || SSL_has_pending(ssl) == 1
    case .readable: readiness.has(.readable)
    case .writable: readiness.has(.writable)
    }
  }

  /// Whether the peer has exceeded the limit on TLS messages, which broke the connection.
  public var isFlooded: Bool { state.allowance.isExceeded }

  /// A description of that, for logs.
  public static var floodExplanation: String { MessageAllowance.explanation }

  /// The SHA-256 fingerprint of the peer's certificate; nil if it has sent none.
  public var peerFingerprint: Fingerprint? {
    // SAFETY: the certificate is borrowed, and read within the call.
    unsafe SSL_get0_peer_certificate(ssl).flatMap { unsafe Fingerprint(of: $0) }
  }

  /// The peer's certificate; nil if it has sent none.
  public var peerCertificate: CertificateFacts? {
    // SAFETY: the certificate is borrowed, and read within the call.
    unsafe SSL_get0_peer_certificate(ssl).flatMap { unsafe CertificateFacts(reading: $0) }
  }

  /// Whether the handshake has resumed an earlier session.
  public var isResumed: Bool {
    // SAFETY: `ssl` is valid as long as `self`.
    unsafe SSL_session_reused(ssl) == 1
  }

  /// On the server's side: the client's ClientHello has proved that it has the key of a pair.
  public var hasPresharedKey: Bool { isResumed }

  /// The context's certificate set that was selected for the client, valid after the handshake; 0 on the client side.
  public var certificateSet: Int {
    // SAFETY: `ssl` is valid as long as `self`.
    unsafe (owner as? ServerContext)?.set(of: ssl) ?? 0
  }

  /// On the server side: the ClientHello is incomplete, so no expensive work has been done.
  public var awaitsHello: Bool {
    // SAFETY: `ssl` is valid as long as `self`.
    let state = unsafe SSL_get_state(ssl)
    return state == TLS_ST_BEFORE || state == TLS_ST_SR_CLNT_HELLO
  }

  // MARK: - Commands

  /// Continues the handshake.
  public mutating func handshake() -> HandshakeProgress {
    if let failure { return .failed(failure) }
    // SAFETY: `ssl` is valid and only this thread uses it.
    let answer = unsafe withSocket { unsafe SSL_do_handshake($0) }
    if answer == 1 {
      unsafe belvedere_forget_key_shares(ssl)
      state.allowance.begin()
      return .done
    }
    switch unsafe SSL_get_error(ssl, answer) {
    case SSL_ERROR_WANT_READ:
      guard hasSpentBudget else { return .wantsRead }
      handshakeYields -= 1
      return handshakeYields > 0 ? .yield : .failed(note(TLSFailure(peer: "the peer's handshake has no end")))
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case let error: return .failed(fail(error))
    }
  }

  /// Appends application data to `output`, which must have room: at most one record (16 KB). Processes at most one
  /// system call's worth, plus what was buffered, whatever the peer sends.
  public mutating func read(into output: inout OutputSpan<UInt8>) -> TLSReadResult {
    if let failure { return .failed(failure) }
    precondition(!output.isFull, "a read without room")
    var count = 0
    // SAFETY: OpenSSL writes at most the free capacity, after what is initialised, and returns how much.
    let answer = unsafe output.withUnsafeMutableBufferPointer { buffer, initialized in
      let answer = unsafe withSocket {
        unsafe SSL_read_ex($0, buffer.baseAddress?.advanced(by: initialized), buffer.count - initialized, &count)
      }
      if answer == 1 { initialized += count }
      return answer
    }
    awaited = .nothing
    guard answer == 1 else { return emptyRead() }
    state.allowance.earn()
    return .bytes(count)
  }

  /// Writes application data, at least one byte. OpenSSL makes records of at most 16 KB.
  public mutating func write(_ bytes: Span<UInt8>) -> TLSWriteResult {
    if let failure = failure ?? writeFailure { return .failed(failure) }
    precondition(!bytes.isEmpty, "a write of nothing")
    var count = 0
    // SAFETY: OpenSSL reads no more than the span has; the span outlives the call.
    let answer = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe withSocket { unsafe SSL_write_ex($0, bytes.baseAddress, bytes.count, &count) }
    }
    if answer == 1 { return .bytes(count) }
    switch unsafe SSL_get_error(ssl, answer) {
    case SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_READ: return .wouldBlock
    case SSL_ERROR_SYSCALL:
      let failure = explain(SSL_ERROR_SYSCALL)
      ERR_clear_error()
      writeFailure = failure
      return .failed(failure)
    case let error: return .failed(fail(error))
    }
  }

  /// Closes our direction (close_notify, RFC 8446 §6.1); reading continues. All earlier writes must be complete. Call
  /// again after `.wouldBlock`.
  public mutating func sendCloseNotify() -> TLSCloseResult {
    if let failure = failure ?? writeFailure { return .failed(failure) }
    // SAFETY: `ssl` is valid and only this thread uses it.
    if unsafe closeNotifySent || SSL_is_init_finished(ssl) == 0 { return .sent }
    // 0: sent, and the peer's has not arrived; 1: both were exchanged.
    let answer = unsafe withSocket { unsafe SSL_shutdown($0) }
    if answer >= 0 {
      closeNotifySent = true
      return .sent
    }
    switch unsafe SSL_get_error(ssl, answer) {
    case SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_READ: return .wouldBlock
    case let error: return .failed(fail(error))
    }
  }

  /// Returns the latest resumable session, once. In TLS 1.3 it arrives some time after the handshake, during a read;
  /// nil until then, and on the server side.
  public mutating func takeSession() -> TLSSession? {
    guard let client = state.client else { return nil }
    return client.session.take()
  }

  // MARK: - Private

  /// Makes one call of OpenSSL with this connection's socket in the BIO.
  @inline(always)
  private mutating func withSocket(_ call: (OpaquePointer) -> Int32) -> Int32 {
    let ssl = unsafe ssl
    // SAFETY: the BIO is valid as long as `ssl`, and has the state only during the call.
    return unsafe withUnsafeMutablePointer(to: &state) { state in
      unsafe state.pointee.budget = TLSConnection.bytesPerCall
      let bio = unsafe SSL_get_rbio(ssl)
      unsafe BIO_set_data(bio, state)
      let answer = unsafe call(ssl)
      unsafe BIO_set_data(bio, nil)
      return answer
    }
  }

  /// The result of a read that returned no byte.
  private mutating func emptyRead() -> TLSReadResult {
    // SAFETY: `ssl` is valid as long as `self`; the last call on it was that read.
    if state.allowance.isExceeded {
      ERR_clear_error()
      return .failed(note(TLSFailure(peer: MessageAllowance.explanation)))
    }
    switch unsafe SSL_get_error(ssl, 0) {
    case SSL_ERROR_WANT_READ:
      if hasSpentBudget { return .yield }
      awaited = .readable
      return .wouldBlock
    case SSL_ERROR_WANT_WRITE:
      // OpenSSL must send a message first (SSL_get_error(3) allows for it in every call).
      awaited = .writable
      return .wouldBlock
    case SSL_ERROR_ZERO_RETURN:
      return .closed
    case SSL_ERROR_SYSCALL where state.reachedEnd && state.systemError == 0:
      ERR_clear_error()
      return .truncated
    case let error:
      return .failed(fail(error))
    }
  }

  /// Whether OpenSSL stopped at the budget: it wants to read although the socket is still readable.
  private var hasSpentBudget: Bool { state.readiness.has(.readable) }

  /// Records and returns why the connection failed; empties this thread's error queue.
  private mutating func fail(_ error: Int32) -> TLSFailure {
    let failure = explain(error)
    ERR_clear_error()
    return note(failure)
  }

  private mutating func note(_ failure: TLSFailure) -> TLSFailure {
    self.failure = failure
    return failure
  }

  private func explain(_ error: Int32) -> TLSFailure {
    if let refusal = state.refusal { return refusal }
    if error == SSL_ERROR_SSL { return .takingFromQueue() }
    if state.systemError != 0 { return TLSFailure(errno: state.systemError) }
    if state.reachedEnd { return TLSFailure(peer: "the peer closed the connection in the handshake", .closed) }
    return TLSFailure(system: "OpenSSL gave up without a reason (SSL_get_error \(error))")
  }
}
