import COpenSSL

/// A resumable client session: the owner of an `SSL_SESSION`. It is offered only in its own context and to its own
/// server name: a resumed handshake has no certificate, so a session must not carry trust over to another policy or
/// server.
@safe public struct TLSSession: ~Copyable {
  /// An `SSL_SESSION`, valid as long as this value.
  let session: OpaquePointer
  /// The context that verified the server's certificate.
  let context: ClientContext
  /// The name that the certificate was checked against.
  let serverName: ReferenceIdentity

  /// Takes ownership of the caller's reference.
  init(adopting session: OpaquePointer, context: ClientContext, serverName: ReferenceIdentity) {
    // SAFETY: the caller gives up its reference, which `deinit` frees.
    unsafe self.session = session
    self.context = context
    self.serverName = serverName
  }

  deinit {
    // SAFETY: the reference that `init` took over.
    unsafe SSL_SESSION_free(session)
  }

  /// False once its connection has failed, after which the server would reject it.
  public var isResumable: Bool {
    // SAFETY: valid as long as `self`.
    unsafe SSL_SESSION_is_resumable(session) == 1
  }
}
