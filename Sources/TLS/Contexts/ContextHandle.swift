import COpenSSL
import Domain

/// The owner of one `SSL_CTX`, with what both sides have in common already set. Configured by its maker, immutable once
/// connections are made of it; OpenSSL locks what it counts in there itself.
@safe final class ContextHandle: @unchecked Sendable {
  enum Side { case server, client }

  /// An `SSL_CTX`, live as long as this object.
  let context: OpaquePointer

  init(_ side: Side, profile: TLSProfile) throws(TLSError) {
    _ = Library.ready
    // SAFETY: the method tables are static; the new context is owned by `self`, which frees it also when this throws.
    guard let context = unsafe SSL_CTX_new(side == .server ? TLS_server_method() : TLS_client_method()) else {
      throw .openssl(doing: "making a context", reason: takeQueuedReason())
    }
    unsafe self.context = context
    guard unsafe belvedere_ctx_set_minimum(context, Int32(profile.minimum.rawValue)) == 1,
      unsafe belvedere_ctx_set_maximum(context, TLS1_3_VERSION) == 1,
      unsafe SSL_CTX_set_cipher_list(context, profile.cipherList) == 1,
      unsafe SSL_CTX_set_ciphersuites(context, TLSProfile.cipherSuites) == 1,
      unsafe belvedere_ctx_set_groups(context, TLSProfile.groups) == 1
        || belvedere_ctx_set_groups(context, TLSProfile.groupsWithoutX25519) == 1
    else {
      throw .openssl(doing: "applying the TLS profile \(profile.rawValue)", reason: takeQueuedReason())
    }
    ERR_clear_error()
    unsafe belvedere_ctx_harden(context)
    if side == .client, profile == .old { unsafe belvedere_ctx_allow_legacy_servers(context) }
    if side == .server { unsafe belvedere_ctx_prefer_own_order(context) }
    // Buffers go back when they are empty; a write may take a part, and may be retried from another place; and a chain
    // is what the file holds, never built anew in every handshake.
    let mode =
      SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
      | SSL_MODE_NO_AUTO_CHAIN
    _ = unsafe belvedere_ctx_set_mode(context, Int(mode))
    unsafe SSL_CTX_set_info_callback(context, handleProgress)
    // Header and record in one recv.
    unsafe belvedere_ctx_read_ahead(context)
  }

  deinit {
    // SAFETY: made in `init`; connections hold references of their own.
    unsafe SSL_CTX_free(context)
  }
}
