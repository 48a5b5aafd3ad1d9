import COpenSSL

/// An `SSL` under construction; freed when a later step fails.
@safe struct SSLMaker: ~Copyable {
  private let ssl: OpaquePointer

  /// From an `SSL_CTX`, to which the `SSL` holds a reference.
  init(context: OpaquePointer) throws(TLSError) {
    // SAFETY: the caller's context is valid for the call.
    guard let ssl = unsafe SSL_new(context) else {
      throw .openssl(doing: "making a connection", reason: takeQueuedReason())
    }
    unsafe self.ssl = ssl
  }

  deinit {
    // SAFETY: `take` was not called.
    unsafe SSL_free(ssl)
  }

  /// Sends the name as SNI and, with `checking`, requires the server's certificate to match it.
  func ask(for name: ReferenceIdentity, checking: Bool) throws(TLSError) {
    // SAFETY: `ssl` and its parameters are valid as long as `self`; the name is copied.
    let parameters = unsafe SSL_get0_param(ssl)
    // `*` matches a whole label only, and the common name is ignored (RFC 9525 §6.3, §2).
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

  /// Offers the session; the `SSL` holds its own reference.
  func resume(_ session: borrowing TLSSession) {
    // SAFETY: both are valid.
    if unsafe SSL_set_session(ssl, session.session) != 1 { ERR_clear_error() }
  }

  /// Moves the `SSL` to the caller.
  consuming func take() -> OpaquePointer {
    // SAFETY: `deinit` does not run, so the caller owns the reference.
    let ssl = unsafe ssl
    discard self
    return unsafe ssl
  }
}
