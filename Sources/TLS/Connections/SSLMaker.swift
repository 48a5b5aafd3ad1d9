import COpenSSL

/// An `SSL` on its way to a connection; freed when something fails before it gets there.
@safe struct SSLMaker: ~Copyable {
  private let ssl: OpaquePointer

  /// Of an `SSL_CTX`, to which the `SSL` holds a reference.
  init(context: OpaquePointer) throws(TLSError) {
    // SAFETY: the context is the caller's, live for the call.
    guard let ssl = unsafe SSL_new(context) else {
      throw .openssl(doing: "making a connection", reason: takeQueuedReason())
    }
    unsafe self.ssl = ssl
  }

  deinit {
    // SAFETY: not handed on.
    unsafe SSL_free(ssl)
  }

  /// Sends the name as SNI and, when `checking`, wants the server's certificate to be for it.
  func ask(for name: ReferenceIdentity, checking: Bool) throws(TLSError) {
    // SAFETY: `ssl` and its parameters live as long as `self`; the name is copied.
    let parameters = unsafe SSL_get0_param(ssl)
    // `*` stands for a whole label, and the common name for nothing (RFC 9525 §6.3, §2).
    let flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT
    unsafe X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(flags))
    let done =
      switch name.kind {
      case .host:
        unsafe belvedere_set_server_name(ssl, name.text) == 1
          && (!checking || X509_VERIFY_PARAM_set1_host(parameters, name.text, 0) == 1)
      case .address: unsafe !checking || X509_VERIFY_PARAM_set1_ip_asc(parameters, name.text) == 1
      case .none: true
      }
    if !done { throw .openssl(doing: "setting the name to verify", reason: takeQueuedReason()) }
  }

  /// Offers the session, of which the `SSL` takes a reference.
  func resume(_ session: borrowing TLSSession) {
    // SAFETY: both are live.
    if unsafe SSL_set_session(ssl, session.session) != 1 { ERR_clear_error() }
  }

  /// The `SSL`, which is the caller's from now on.
  consuming func take() -> OpaquePointer {
    // SAFETY: `deinit` does not run, so the reference is the caller's alone.
    let ssl = unsafe ssl
    discard self
    return unsafe ssl
  }
}
