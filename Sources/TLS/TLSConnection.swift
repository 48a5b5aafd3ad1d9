import COpenSSL
import Linux

/// One TLS connection on a non-blocking socket: the owner of an `SSL` and of what its BIO knows of the socket. The
/// descriptor is borrowed: whoever made the connection closes it, after the connection.
///
/// The order of calls: an event's readiness is handed to `became`; `handshake` until `.done`; then `read` and `write` in
/// any order until each answers that it would block; `sendCloseNotify` once nothing more is to be written. No call
/// blocks, and none makes a system call when the readiness says that it would be in vain.
@safe package struct TLSConnection: ~Copyable {
  /// What the last read waits for; a read that gave bytes waits for nothing.
  private enum Awaited { case nothing, readable, writable }

  let ssl: OpaquePointer
  private let state: UnsafeMutablePointer<SocketState>
  /// Outlives `ssl`, whose callbacks it answers.
  private let owner: AnyObject
  private var awaited = Awaited.nothing
  private var closeNotifySent = false
  /// Set by the first failure; every later call answers it again.
  private var failure: TLSFailure?
  /// The same for writing alone: the socket took nothing more. What had come before can still be read.
  private var writeFailure: TLSFailure?

  /// The server's side of a connection.
  package init(accepting descriptor: Int32, context: ServerContext) throws(TLSError) {
    // SAFETY: the context lives as long as `owner`.
    try unsafe self.init(descriptor, SSLMaker(context: context.first), owner: context, client: nil)
    unsafe SSL_set_accept_state(ssl)
  }

  /// The client's side of a connection to the server called `serverName`. A session that was earned elsewhere (another
  /// context or name) or can't be resumed any more is ignored.
  package init(
    connecting descriptor: Int32, context: ClientContext, serverName: ServerName, session: borrowing TLSSession? = nil
  ) throws(TLSError) {
    // SAFETY: the context lives as long as `owner`.
    let maker = try unsafe SSLMaker(context: context.context)
    try maker.ask(for: serverName, checking: context.trust.checksChain)
    switch session {
    case .some(let session):
      if session.context === context, session.serverName == serverName, session.isResumable { maker.resume(session) }
    case .none: break
    }
    let client = ClientState(context: context, serverName: serverName)
    try self.init(descriptor, maker, owner: context, client: client)
    unsafe SSL_set_connect_state(ssl)
  }

  private init(
    _ descriptor: Int32, _ maker: consuming SSLMaker, owner: AnyObject, client: ClientState?
  ) throws(TLSError) {
    let state = UnsafeMutablePointer<SocketState>.allocate(capacity: 1)
    unsafe state.initialize(to: SocketState(descriptor: descriptor, client: client))
    // SAFETY: the BIO borrows the state, which goes after it, and belongs to the SSL.
    guard let bio = unsafe SocketBIO.make(state) else {
      unsafe state.deinitialize(count: 1)
      unsafe state.deallocate()
      throw .openssl(doing: "making a connection", reason: takeQueuedReason())
    }
    unsafe ssl = maker.take()
    unsafe SSL_set_bio(ssl, bio, bio)
    unsafe self.state = state
    self.owner = owner
  }

  deinit {
    // A session is good although its connection ended without ceremony; OpenSSL would spoil it for that. (A fatal alert
    // has spoilt it already.)
    // SAFETY: `ssl` and `state` are this value's alone; the SSL and its BIO go first.
    unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
    unsafe SSL_free(ssl)
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
  }

  // MARK: - Readiness

  /// What the socket is believed to be ready for.
  package var readiness: Readiness {
    // SAFETY: `state` lives as long as `self`.
    get { unsafe state.pointee.readiness }
    set { unsafe state.pointee.readiness = newValue }
  }

  /// Adds what an event told.
  package mutating func became(_ event: Readiness) {
    // SAFETY: as above.
    unsafe state.pointee.readiness.add(event)
    if event.has(.ended) { unsafe state.pointee.readiness.add(.readable) }
  }

  /// True when a read may give something: the socket may have bytes, or decrypted or unread ones wait inside.
  package var mayRead: Bool {
    switch awaited {
    // SAFETY: `ssl` lives as long as `self`.
    case .nothing: unsafe readiness.has(.readable) || SSL_has_pending(ssl) == 1
    case .readable: readiness.has(.readable)
    case .writable: readiness.has(.writable)
    }
  }

  // MARK: - Commands

  /// Goes on with the handshake.
  package mutating func handshake() -> HandshakeProgress {
    if let failure { return .failed(failure) }
    // SAFETY: `ssl` is live and only this thread uses it.
    let answer = unsafe SSL_do_handshake(ssl)
    if answer == 1 { return .done }
    switch unsafe SSL_get_error(ssl, answer) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case let error: return .failed(fail(error))
    }
  }

  /// Appends application bytes to `output`, which must have room: at most one record's (16 KB).
  package mutating func read(into output: inout OutputSpan<UInt8>) -> TLSReadResult {
    if let failure { return .failed(failure) }
    precondition(!output.isFull, "a read without room")
    var count = 0
    let ssl = unsafe ssl
    // SAFETY: OpenSSL writes at most the free capacity, behind what is initialised, and says how much.
    let answer = unsafe output.withUnsafeMutableBufferPointer { buffer, initialized in
      let answer = unsafe SSL_read_ex(
        ssl, buffer.baseAddress?.advanced(by: initialized), buffer.count - initialized, &count)
      if answer == 1 { initialized += count }
      return answer
    }
    awaited = .nothing
    return answer == 1 ? .bytes(count) : emptyRead()
  }

  /// Writes application bytes, of which there must be one or more. OpenSSL makes records of at most 16 KB of them.
  package mutating func write(_ bytes: Span<UInt8>) -> TLSWriteResult {
    if let failure = failure ?? writeFailure { return .failed(failure) }
    precondition(!bytes.isEmpty, "a write of nothing")
    var count = 0
    let ssl = unsafe ssl
    // SAFETY: OpenSSL reads no more than the span has; the span outlives the call.
    let answer = unsafe bytes.withUnsafeBufferPointer { unsafe SSL_write_ex(ssl, $0.baseAddress, $0.count, &count) }
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

  /// Ends our direction (close_notify, RFC 8446 §6.1); reading goes on. Every byte offered to `write` must have been
  /// taken. Call again after `.wouldBlock`.
  package mutating func sendCloseNotify() -> TLSCloseResult {
    if let failure = failure ?? writeFailure { return .failed(failure) }
    // SAFETY: `ssl` is live and only this thread uses it.
    if unsafe closeNotifySent || SSL_is_init_finished(ssl) == 0 { return .sent }
    // 0: sent, and the peer's has not come; 1: both have passed.
    let answer = unsafe SSL_shutdown(ssl)
    if answer >= 0 {
      closeNotifySent = true
      return .sent
    }
    switch unsafe SSL_get_error(ssl, answer) {
    case SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_READ: return .wouldBlock
    case let error: return .failed(fail(error))
    }
  }

  /// The newest session that the server lets us resume, once. With TLS 1.3 it comes some time after the handshake,
  /// while reading; nil until then, and always on the server's side.
  package mutating func takeSession() -> TLSSession? {
    // SAFETY: `state` lives as long as `self`.
    guard let client = unsafe state.pointee.client else { return nil }
    return client.session.take()
  }

  // MARK: - Private

  /// What a read that gave no byte means.
  private mutating func emptyRead() -> TLSReadResult {
    switch unsafe SSL_get_error(ssl, 0) {
    case SSL_ERROR_WANT_READ:
      awaited = .readable
      return .wouldBlock
    case SSL_ERROR_WANT_WRITE:
      // Something of OpenSSL's own has to go out first (SSL_get_error(3) allows for it in every call).
      awaited = .writable
      return .wouldBlock
    case SSL_ERROR_ZERO_RETURN:
      return .closed
    // SAFETY: `state` lives as long as `self`.
    case SSL_ERROR_SYSCALL where unsafe state.pointee.reachedEnd && state.pointee.systemError == 0:
      ERR_clear_error()
      return .truncated
    case let error:
      return .failed(fail(error))
    }
  }

  /// Notes and answers why the connection is broken; leaves this thread's error queue empty.
  private mutating func fail(_ error: Int32) -> TLSFailure {
    let failure = explain(error)
    ERR_clear_error()
    self.failure = failure
    return failure
  }

  private func explain(_ error: Int32) -> TLSFailure {
    // SAFETY: `state` lives as long as `self`.
    if let refusal = unsafe state.pointee.client?.refusal { return TLSFailure(refusal: refusal) }
    if error == SSL_ERROR_SSL { return .takingFromQueue() }
    if unsafe state.pointee.systemError != 0 { return unsafe TLSFailure(errno: state.pointee.systemError) }
    if unsafe state.pointee.reachedEnd { return TLSFailure(peer: "the peer closed the connection in the handshake") }
    return TLSFailure(system: "OpenSSL gave up without a reason (SSL_get_error \(error))")
  }
}
