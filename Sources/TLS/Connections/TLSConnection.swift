import COpenSSL
import Domain
import Linux

/// One TLS connection on a non-blocking socket: the owner of an `SSL` and of what is known of the socket. The
/// descriptor is borrowed: whoever made the connection closes it, after the connection.
///
/// The order of calls: an event's readiness is handed to `became`; `handshake` until `.done`; then `read` and `write` in
/// any order until each answers that it would block; `sendCloseNotify` once nothing more is to be written. No call
/// blocks, and none makes a system call when the readiness says that it would be in vain.
@safe public struct TLSConnection: ~Copyable {
  /// What the last read waits for; a read that gave bytes waits for nothing.
  private enum Awaited { case nothing, readable, writable }

  let ssl: OpaquePointer
  private var state: SocketState
  /// Outlives `ssl`, whose callbacks it answers.
  private let owner: AnyObject
  private var awaited = Awaited.nothing
  private var closeNotifySent = false
  /// How often the handshake may still give way before it is done.
  private var handshakeYields = TLSConnection.longestHandshake
  /// Set by the first failure; every later call answers it again.
  private var failure: TLSFailure?
  /// The same for writing alone: the socket took nothing more. What had come before can still be read.
  private var writeFailure: TLSFailure?

  /// The server's side of a connection. `bio` may serve other connections that the same thread uses.
  public init(
    accepting descriptor: Int32, context: ServerContext, through bio: SocketBIO = SocketBIO()
  ) throws(TLSError) {
    // SAFETY: the context lives as long as `owner`.
    try unsafe self.init(descriptor, SSLMaker(context: context.first), bio, owner: context, client: nil)
    unsafe SSL_set_accept_state(ssl)
  }

  /// The client's side of a connection to the server called `serverName`. A session that was earned elsewhere (another
  /// context or name) or can't be resumed any more is ignored.
  public init(
    connecting descriptor: Int32, context: ClientContext, serverName: ReferenceIdentity,
    session: borrowing TLSSession? = nil,
    through bio: SocketBIO = SocketBIO()
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
    self.init(descriptor, maker, bio, owner: context, client: client)
    unsafe SSL_set_connect_state(ssl)
  }

  private init(
    _ descriptor: Int32, _ maker: consuming SSLMaker, _ bio: SocketBIO, owner: AnyObject, client: ClientState?
  ) {
    // SAFETY: the `SSL` is this value's alone from here on, and takes its own reference to the BIO.
    unsafe ssl = maker.take()
    unsafe bio.attach(to: ssl)
    state = SocketState(descriptor: descriptor, client: client)
    self.owner = owner
  }

  deinit {
    // A session is good although its connection ended without ceremony; OpenSSL would spoil it for that. (A fatal alert
    // has spoilt it already.)
    // SAFETY: `ssl` is this value's alone.
    unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
    unsafe SSL_free(ssl)
  }

  /// A handshake reads no more than this many times `bytesPerCall`. The largest of messages that OpenSSL accepts have
  /// 100 KB, and who sends these in records of a byte each wants something else than a connection.
  private static let longestHandshake = 4
  /// What one call takes from the socket at most: as much as one system call can bring.
  private static let bytesPerCall = Int(BELVEDERE_READ_BUFFER)

  // MARK: - Readiness

  /// What the socket is believed to be ready for.
  public var readiness: Readiness {
    get { state.readiness }
    set { state.readiness = newValue }
  }

  /// Adds what an event told.
  public mutating func became(_ event: Readiness) {
    state.readiness.add(event)
    if event.has(.ended) { state.readiness.add(.readable) }
  }

  /// True when a read may give something: the socket may have bytes, or decrypted or unread ones wait inside.
  public var mayRead: Bool {
    switch awaited {
    // SAFETY: `ssl` lives as long as `self`.
    case .nothing: unsafe readiness.has(.readable) || SSL_has_pending(ssl) == 1
    case .readable: readiness.has(.readable)
    case .writable: readiness.has(.writable)
    }
  }

  /// The peer has sent more messages of TLS's own than its application bytes allowed for, which broke the connection.
  public var isFlooded: Bool { state.allowance.isExceeded }

  /// What that was, in words for a person.
  public static var floodExplanation: String { MessageAllowance.explanation }

  /// The SHA-256 fingerprint of the peer's certificate; nil on the server's side.
  public var peerFingerprint: Fingerprint? {
    // SAFETY: get0 lends the certificate; it is read within the call.
    unsafe SSL_get0_peer_certificate(ssl).flatMap { unsafe Fingerprint(of: $0) }
  }

  /// Which of its context's sets of certificates the client is shown one of, once the handshake is done; 0 on the
  /// client's side.
  public var certificateSet: Int {
    // SAFETY: `ssl` lives as long as `self`.
    unsafe (owner as? ServerContext)?.set(of: ssl) ?? 0
  }

  /// On the server's side: the client's hello is not complete, so nothing that is dear has been done for it.
  public var awaitsHello: Bool {
    // SAFETY: `ssl` lives as long as `self`.
    let state = unsafe SSL_get_state(ssl)
    return state == TLS_ST_BEFORE || state == TLS_ST_SR_CLNT_HELLO
  }

  // MARK: - Commands

  /// Goes on with the handshake.
  public mutating func handshake() -> HandshakeProgress {
    if let failure { return .failed(failure) }
    // SAFETY: `ssl` is live and only this thread uses it.
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

  /// Appends application bytes to `output`, which must have room: at most one record's (16 KB). Whatever the peer sends,
  /// the call looks at no more than what one system call brings, beside what waited inside.
  public mutating func read(into output: inout OutputSpan<UInt8>) -> TLSReadResult {
    if let failure { return .failed(failure) }
    precondition(!output.isFull, "a read without room")
    var count = 0
    // SAFETY: OpenSSL writes at most the free capacity, behind what is initialised, and says how much.
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

  /// Writes application bytes, of which there must be one or more. OpenSSL makes records of at most 16 KB of them.
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

  /// Ends our direction (close_notify, RFC 8446 §6.1); reading goes on. Every byte offered to `write` must have been
  /// taken. Call again after `.wouldBlock`.
  public mutating func sendCloseNotify() -> TLSCloseResult {
    if let failure = failure ?? writeFailure { return .failed(failure) }
    // SAFETY: `ssl` is live and only this thread uses it.
    if unsafe closeNotifySent || SSL_is_init_finished(ssl) == 0 { return .sent }
    // 0: sent, and the peer's has not come; 1: both have passed.
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

  /// The newest session that the server lets us resume, once. With TLS 1.3 it comes some time after the handshake,
  /// while reading; nil until then, and always on the server's side.
  public mutating func takeSession() -> TLSSession? {
    guard let client = state.client else { return nil }
    return client.session.take()
  }

  // MARK: - Private

  /// Makes one call of OpenSSL's, during which the BIO has this connection's socket.
  @inline(__always)
  private mutating func withSocket(_ call: (OpaquePointer) -> Int32) -> Int32 {
    let ssl = unsafe ssl
    // SAFETY: the BIO lives as long as `ssl`, and has the state no longer than the call.
    return unsafe withUnsafeMutablePointer(to: &state) { state in
      unsafe state.pointee.budget = TLSConnection.bytesPerCall
      let bio = unsafe SSL_get_rbio(ssl)
      unsafe BIO_set_data(bio, state)
      let answer = unsafe call(ssl)
      unsafe BIO_set_data(bio, nil)
      return answer
    }
  }

  /// What a read that gave no byte means.
  private mutating func emptyRead() -> TLSReadResult {
    // SAFETY: `ssl` lives as long as `self`; the last call on it was the read that gave nothing.
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
      // Something of OpenSSL's own has to go out first (SSL_get_error(3) allows for it in every call).
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

  /// OpenSSL wants to read and was not told that there is nothing: it was stopped, and goes on when called again.
  private var hasSpentBudget: Bool { state.readiness.has(.readable) }

  /// Notes and answers why the connection is broken; leaves this thread's error queue empty.
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
    if let refusal = state.client?.refusal { return TLSFailure(refusal: refusal) }
    if error == SSL_ERROR_SSL { return .takingFromQueue() }
    if state.systemError != 0 { return TLSFailure(errno: state.systemError) }
    if state.reachedEnd { return TLSFailure(peer: "the peer closed the connection in the handshake") }
    return TLSFailure(system: "OpenSSL gave up without a reason (SSL_get_error \(error))")
  }
}
