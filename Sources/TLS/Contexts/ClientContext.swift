import COpenSSL
import Domain
import Glibc

/// The context of back connections: a trust and a policy. Immutable after `init` and used by all threads;
/// connections and sessions keep it alive.
///
/// A change of trust makes a new context, which invalidates all sessions of the old one.
@safe public final class ClientContext: Sendable {
  public let trust: Trust
  private let policy: TLSPolicy
  /// The accepted trust anchors; empty when the chain is not checked.
  private let anchors: Set<Fingerprint>
  private let handle: ContextHandle

  /// An `SSL_CTX`, valid as long as this object.
  var context: OpaquePointer {
    // SAFETY: the handle frees it, and is valid as long as this object, which users of the pointer hold.
    unsafe handle.context
  }

  /// Loads all authorities now: nothing is read from disk later.
  public init(trust: Trust, policy: TLSPolicy = TLSPolicy()) throws(TLSError) {
    handle = try ContextHandle(.client, policy: policy)
    self.trust = trust
    self.policy = policy
    switch trust {
    case .system:
      anchors = try handle.loadSystemStore()
    case .authority(let file):
      anchors = try handle.trust(PEMFile(path: file))
    case .fingerprints(let fingerprints):
      if fingerprints.isEmpty { throw .noFingerprint }
      anchors = []
    case .insecureNoVerification:
      anchors = []
    }
    handle.verify(for: self)
  }

  /// Whether both accept the same certificates with the same policy. The authorities are compared by content, since
  /// their file may have changed.
  public func isEquivalent(to other: ClientContext) -> Bool {
    if self === other { return true }
    guard policy == other.policy else { return false }
    guard trust.checksChain, other.trust.checksChain else { return trust == other.trust }
    return anchors == other.anchors
  }

  /// The result of checking a server's chain: 1 or 0, for SSL_CTX_set_cert_verify_callback(3). A refusal is stored in
  /// the connection's state and set as the chain's error, from which OpenSSL derives the alert.
  fileprivate func verdict(_ chain: OpaquePointer, for ssl: OpaquePointer?) -> Int32 {
    // SAFETY: `chain` is an X509_STORE_CTX, valid for the callback, as are the results of its getters.
    let reason: String
    var expectedName = ""
    let leaf = unsafe X509_STORE_CTX_get0_cert(chain)
    switch trust {
    case .insecureNoVerification:
      return 1
    case .fingerprints(let pinned):
      if let leaf = unsafe leaf, let found = unsafe Fingerprint(of: leaf), pinned.contains(found) { return 1 }
      unsafe X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED)
      unsafe X509_STORE_CTX_set_error_depth(chain, 0)
      reason = "its fingerprint is none of the pinned ones"
    case .system, .authority:
      if unsafe X509_verify_cert(chain) == 1 { return 1 }
      let error = unsafe X509_STORE_CTX_get_error(chain)
      // SAFETY: a static string.
      reason = unsafe String(cString: X509_verify_cert_error_string(Int(error)))
      let client = unsafe SocketBIO.state(of: ssl)?.pointee.client
      if [X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH].contains(error) {
        expectedName = client?.serverName.text ?? ""
      }
    }
    ERR_clear_error()
    guard let state = unsafe SocketBIO.state(of: ssl) else { return 0 }
    let depth = unsafe X509_STORE_CTX_get_error_depth(chain)
    let culprit = unsafe depth == 0 ? leaf : X509_STORE_CTX_get_current_cert(chain)
    let refusal = unsafe CertificateRefusal(
      reason: reason, certificate: culprit.flatMap { unsafe CertificateFacts(reading: $0) }, depth: Int(depth),
      leaf: leaf.flatMap { unsafe CertificateFacts(reading: $0) }, expectedName: expectedName)
    unsafe state.pointee.refusal = TLSFailure(refusal: refusal)
    return 0
  }
}

/// The state of a client connection beyond its socket. Used only by the thread that owns the connection.
final class ClientState {
  let context: ClientContext
  let serverName: ReferenceIdentity
  /// The latest resumable session, until it is taken.
  var session: TLSSession?

  init(context: ClientContext, serverName: ReferenceIdentity) {
    self.context = context
    self.serverName = serverName
  }
}

extension ContextHandle {
  /// Returns the trusted fingerprints.
  fileprivate func loadSystemStore() throws(TLSError) -> Set<Fingerprint> {
    let candidates = Trust.systemStores
    // SAFETY: the path is valid for the call.
    guard let path = candidates.first(where: { unsafe access($0, R_OK) == 0 }) else {
      throw .noSystemStore(looked: candidates)
    }
    return try trust(PEMFile(path: path))
  }

  /// Makes every certificate in the file a trust anchor, also one that is not a CA (X509_V_FLAG_PARTIAL_CHAIN). Returns
  /// the trusted fingerprints.
  fileprivate func trust(_ file: borrowing PEMFile) throws(TLSError) -> Set<Fingerprint> {
    let authorities = try file.certificates()
    guard !authorities.isEmpty else { throw .noCertificate(origin: file.origin) }
    // SAFETY: the store is owned by the context and takes its own references.
    let store = unsafe SSL_CTX_get_cert_store(context)
    var anchors: Set<Fingerprint> = []
    for authority in authorities {
      if let anchor = unsafe Fingerprint(of: authority.x509) { anchors.insert(anchor) }
      guard unsafe X509_STORE_add_cert(store, authority.x509) == 1 else {
        throw .refused(origin: file.origin, reason: takeQueuedReason())
      }
    }
    _ = unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    return anchors
  }

  fileprivate func verify(for owner: ClientContext) {
    // SAFETY: unretained, since `owner` outlives the connections (each holds it) and so the callbacks.
    let argument = unsafe Unmanaged.passUnretained(owner).toOpaque()
    unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    unsafe SSL_CTX_set_cert_verify_callback(context, handleVerification, argument)
    // Sessions belong to the owner of the connection; OpenSSL's cache, with its lock, is not used.
    _ = unsafe belvedere_ctx_set_session_cache_mode(context, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
    unsafe SSL_CTX_sess_set_new_cb(context, handleNewSession)
  }
}

private func handleVerification(chain: OpaquePointer?, argument: UnsafeMutableRawPointer?) -> Int32 {
  guard let chain = unsafe chain, let argument = unsafe argument else { return 0 }
  // SAFETY: the argument is the ClientContext of `verify(for:)`; the SSL is at OpenSSL's own index.
  let owner = unsafe Unmanaged<ClientContext>.fromOpaque(argument).takeUnretainedValue()
  let ssl = unsafe X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx())
  return unsafe owner.verdict(chain, for: OpaquePointer(ssl))
}

/// Stores the latest session; 1 means that we own the reference. In TLS 1.3 it arrives some time after the handshake,
/// during a read.
private func handleNewSession(ssl: OpaquePointer?, session: OpaquePointer?) -> Int32 {
  // SAFETY: the state is valid as long as `ssl`, on whose thread this runs.
  guard let session = unsafe session, let state = unsafe SocketBIO.state(of: ssl),
    let client = unsafe state.pointee.client
  else { return 0 }
  client.session = unsafe TLSSession(adopting: session, context: client.context, serverName: client.serverName)
  return 1
}
