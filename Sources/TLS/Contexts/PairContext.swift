import COpenSSL
import Domain
import Wire

/// The context of connections between the nodes of a pair: TLS 1.3 with an external PSK and an ephemeral key exchange
/// (RFC 8446 §2.2), without certificates, tickets and early data. Each end proves that it has the secret. Immutable
/// after `init`; connections keep it alive.
@safe public final class PairContext: Sendable {
  let side: ContextHandle.Side
  private let handle: ContextHandle
  private let keys: [PresharedKey]

  /// An `SSL_CTX`, valid as long as this object.
  var context: OpaquePointer {
    // SAFETY: the handle frees it, and is valid as long as this object, which users of the pointer hold.
    unsafe handle.context
  }

  /// For connections from other nodes, which may use any of the secrets.
  public convenience init(accepting secrets: PairSecrets) throws(TLSError) {
    try self.init(.server, secrets, of: 0..<secrets.count)
  }

  /// For connections to other nodes, with one of the secrets.
  public convenience init(offering secrets: PairSecrets, at index: Int) throws(TLSError) {
    try self.init(.client, secrets, of: index..<index + 1)
  }

  private init(_ side: ContextHandle.Side, _ secrets: PairSecrets, of indices: Range<Int>) throws(TLSError) {
    self.side = side
    let handle = try ContextHandle(side, policy: TLSPolicy(.modern))
    // SAFETY: the new context is valid and not shared yet.
    guard unsafe SSL_CTX_set_ciphersuites(handle.context, "TLS_AES_128_GCM_SHA256") == 1 else {
      throw .openssl(doing: "choosing the cipher of a pair", reason: takeQueuedReason())
    }
    var keys: [PresharedKey] = []
    for index in indices { keys.append(try PresharedKey(secrets, at: index, cipherOf: handle)) }
    self.handle = handle
    self.keys = keys
    // SAFETY: the owner is unretained: it outlives the connections, since each holds it, and so the callbacks.
    _ = unsafe belvedere_ctx_set_owner(context, Unmanaged.passUnretained(self).toOpaque())
    _ = unsafe belvedere_ctx_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
    unsafe belvedere_ctx_refuse_tickets(context)
    switch side {
    case .server:
      _ = unsafe SSL_CTX_set_num_tickets(context, 0)
      unsafe SSL_CTX_set_psk_find_session_callback(context, handleIdentity)
    case .client:
      unsafe SSL_CTX_set_psk_use_session_callback(context, handleOffer)
      // Without the secret a server would have to prove itself by a certificate.
      unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
      unsafe SSL_CTX_set_cert_verify_callback(context, refuseCertificate, nil)
    }
  }

  /// Whether it has all secrets of another context.
  public func hasSecrets(of other: PairContext) -> Bool {
    // SAFETY: an identity is valid as long as its key, which the context holds.
    other.keys.allSatisfy { secret in keys.contains { unsafe $0.identity.elementsEqual(secret.identity) } }
  }

  fileprivate func key(identifiedBy identity: UnsafeBufferPointer<UInt8>) -> PresharedKey? {
    // SAFETY: the caller's bytes are valid for the call.
    keys.first { unsafe $0.identity.elementsEqual(identity) }
  }

  fileprivate var offered: PresharedKey { keys[0] }
}

/// An external PSK and its identity (RFC 8446 §4.2.11), as the session that OpenSSL takes it for.
@safe private final class PresharedKey: @unchecked Sendable {
  /// In hexadecimal digits: it is sent in the clear, and independent of the key. Immutable, valid as long as this object.
  let identity: UnsafeMutableBufferPointer<UInt8>
  /// An `SSL_SESSION`, never changed: connections use copies.
  private let session: OpaquePointer

  /// The PSK is bound to the hash of the context's only cipher.
  init(_ secrets: PairSecrets, at index: Int, cipherOf handle: ContextHandle) throws(TLSError) {
    // SAFETY: the bytes of both keys are valid for their call, and copied. The session is owned by this object, which copies key and cipher into it; `deinit` clears and frees both.
    let name = unsafe secrets.key(Array("belvedere channel identity".utf8), of: index).withBytes {
      unsafe Array(Hexadecimal.text($0).utf8)
    }
    guard let session = unsafe SSL_SESSION_new() else {
      throw .openssl(doing: "making the key of a pair", reason: takeQueuedReason())
    }
    unsafe self.session = session
    unsafe identity = .allocate(capacity: name.count)
    _ = unsafe identity.initialize(fromContentsOf: name)
    let cipher = unsafe OpaquePointer(OPENSSL_sk_value(SSL_CTX_get_ciphers(handle.context), 0))
    let isMade = unsafe secrets.key(Array("belvedere channel".utf8), of: index).withBytes { key in
      unsafe SSL_SESSION_set1_master_key(session, key.baseAddress, key.count) == 1
        && SSL_SESSION_set_cipher(session, cipher) == 1
        && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1
    }
    if !isMade { throw .openssl(doing: "making the key of a pair", reason: takeQueuedReason()) }
  }

  deinit {
    // SAFETY: both were made in `init`; connections have copies.
    unsafe SSL_SESSION_free(session)
    unsafe identity.deallocate()
  }

  /// A copy of the `SSL_SESSION`, which the caller owns; nil when OpenSSL is out of memory.
  func makeSession() -> OpaquePointer? {
    // SAFETY: valid as long as `self`.
    unsafe SSL_SESSION_dup(session)
  }
}

private func owner(of ssl: OpaquePointer?) -> PairContext? {
  // SAFETY: a context with these callbacks has a PairContext as its owner, valid as long as `ssl`.
  guard let context = unsafe SSL_get_SSL_CTX(ssl), let owner = unsafe belvedere_ctx_owner(context) else { return nil }
  return unsafe Unmanaged<PairContext>.fromOpaque(owner).takeUnretainedValue()
}

/// Finds the key of a client. Without one the handshake fails, since there is no certificate either.
private func handleIdentity(
  ssl: OpaquePointer?, identity: UnsafePointer<UInt8>?, count: Int, session: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  // SAFETY: OpenSSL passes `count` bytes, valid for the callback, and owns the returned session.
  let key = unsafe owner(of: ssl)?.key(identifiedBy: UnsafeBufferPointer(start: identity, count: count))
  unsafe session?.pointee = key?.makeSession()
  return 1
}

private func handleOffer(
  ssl: OpaquePointer?, digest: OpaquePointer?, identity: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  count: UnsafeMutablePointer<Int>?, session: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  // SAFETY: OpenSSL copies the identity at once, and owns the returned session.
  guard let key = unsafe owner(of: ssl)?.offered, let copy = unsafe key.makeSession() else { return 0 }
  unsafe identity?.pointee = UnsafePointer(key.identity.baseAddress)
  unsafe count?.pointee = key.identity.count
  unsafe session?.pointee = copy
  return 1
}

private func refuseCertificate(chain: OpaquePointer?, argument: UnsafeMutableRawPointer?) -> Int32 { 0 }
