import COpenSSL

/// A session that a server agreed to resume: the owner of an `SSL_SESSION`. It remembers where it was earned, and is
/// offered nowhere else: a resumed handshake shows no certificate, so a session must not carry one policy's trust, or
/// one server's, over to another.
@safe public struct TLSSession: ~Copyable {
  /// An `SSL_SESSION`, live as long as this value.
  let session: OpaquePointer
  /// The context whose trust the server's certificate passed.
  let context: ClientContext
  /// The name that the certificate was checked against.
  let serverName: ReferenceIdentity

  /// Takes over the caller's reference.
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

  /// False once OpenSSL knows that the server would refuse it: its connection broke.
  public var isResumable: Bool {
    // SAFETY: live as long as `self`.
    unsafe SSL_SESSION_is_resumable(session) == 1
  }
}
