import COpenSSL
import Domain

/// The owner of one `SSL_CTX`, with the settings common to both sides. Configured by its creator, and immutable once
/// connections use it; OpenSSL synchronises its own counters.
@safe final class ContextHandle: @unchecked Sendable {
  enum Side { case server, client }

  /// An `SSL_CTX`, valid as long as this object.
  let context: OpaquePointer

  init(_ side: Side, policy: TLSPolicy) throws(TLSError) {
    _ = Library.ready
    // SAFETY: the method tables are static; `self` owns the new context, and frees it also when this throws.
    guard let context = unsafe SSL_CTX_new(side == .server ? TLS_server_method() : TLS_client_method()) else {
      throw .openssl(doing: "making a context", reason: takeQueuedReason())
    }
    unsafe self.context = context
    guard unsafe belvedere_ctx_set_minimum(context, Int32(policy.minimum.rawValue)) == 1,
      unsafe belvedere_ctx_set_maximum(context, TLS1_3_VERSION) == 1,
      unsafe SSL_CTX_set_cipher_list(context, policy.cipherList) == 1,
      unsafe SSL_CTX_set_ciphersuites(context, policy.cipherSuiteList) == 1,
      policy.groupLists.contains(where: { unsafe belvedere_ctx_set_groups(context, $0) == 1 }),
      policy.signatureAlgorithmList.map({ unsafe belvedere_ctx_set_signature_algorithms(context, $0) }) ?? 1 == 1
    else {
      throw .openssl(doing: "applying the TLS profile \(policy.profile.rawValue)", reason: takeQueuedReason())
    }
    ERR_clear_error()
    unsafe belvedere_ctx_harden(context)
    if side == .client, policy.profile == .old { unsafe belvedere_ctx_allow_legacy_servers(context) }
    if side == .server { unsafe belvedere_ctx_prefer_own_order(context) }
    // Empty buffers are released; a write may be partial, and may be retried from another address; chains are those in
    // the files, not rebuilt in every handshake.
    let mode =
      SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
      | SSL_MODE_NO_AUTO_CHAIN
    _ = unsafe belvedere_ctx_set_mode(context, Int(mode))
    unsafe SSL_CTX_set_info_callback(context, handleProgress)
    // Reads header and record in one recv.
    unsafe belvedere_ctx_read_ahead(context)
  }

  deinit {
    // SAFETY: allocated in `init`; connections hold their own references.
    unsafe SSL_CTX_free(context)
  }
}
