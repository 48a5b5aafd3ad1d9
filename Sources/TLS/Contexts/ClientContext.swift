import COpenSSL
import Domain
import Glibc

/// What back connections are made with: one trust policy and a profile. Immutable after `init` and used by all threads
/// at once; every connection and every session keeps it alive.
///
/// A change of trust makes a new context, and with it every session earned under the old one void.
@safe public final class ClientContext: Sendable {
  public let trust: Trust
  private let profile: TLSProfile
  /// What a chain may end at; empty when no chain is checked.
  private let anchors: Set<Fingerprint>
  private let handle: ContextHandle

  /// An `SSL_CTX`, live as long as this object.
  var context: OpaquePointer {
    // SAFETY: the handle frees it, and lives as long as this object, which whoever uses the pointer holds.
    unsafe handle.context
  }

  /// Loads the authorities now, whole: nothing is read from disk later.
  public init(trust: Trust, profile: TLSProfile = .intermediate) throws(TLSError) {
    handle = try ContextHandle(.client, profile: profile)
    self.trust = trust
    self.profile = profile
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

  /// Whether the same certificates pass, with the same profile: a file of authorities may have changed under its path.
  public func isEquivalent(to other: ClientContext) -> Bool {
    if self === other { return true }
    guard profile == other.profile else { return false }
    guard trust.checksChain, other.trust.checksChain else { return trust == other.trust }
    return anchors == other.anchors
  }

  /// The verdict on a server's chain: 1 or 0, as SSL_CTX_set_cert_verify_callback(3) wants it. A refusal is explained
  /// in the connection's state and set as the context's error, from which OpenSSL makes the alert.
  fileprivate func verdict(_ chain: OpaquePointer, for ssl: OpaquePointer?) -> Int32 {
    // SAFETY: `chain` is an X509_STORE_CTX, live for the callback, as is what its getters lend.
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
    guard let state = unsafe SocketBIO.state(of: ssl), let client = unsafe state.pointee.client else { return 0 }
    let depth = unsafe X509_STORE_CTX_get_error_depth(chain)
    let culprit = unsafe depth == 0 ? leaf : X509_STORE_CTX_get_current_cert(chain)
    client.refusal = unsafe CertificateRefusal(
      reason: reason, certificate: culprit.flatMap { unsafe CertificateFacts(reading: $0) }, depth: Int(depth),
      leaf: leaf.flatMap { unsafe CertificateFacts(reading: $0) }, expectedName: expectedName)
    return 0
  }
}

/// What a connection of ours to a server knows beyond its socket. Touched only by the thread that owns the connection.
final class ClientState {
  let context: ClientContext
  let serverName: ReferenceIdentity
  /// The newest resumable session, until it is taken.
  var session: TLSSession?
  /// Why the server's certificate did not pass.
  var refusal: CertificateRefusal?

  init(context: ClientContext, serverName: ReferenceIdentity) {
    self.context = context
    self.serverName = serverName
  }
}

extension ContextHandle {
  /// Answers with what is trusted.
  fileprivate func loadSystemStore() throws(TLSError) -> Set<Fingerprint> {
    let candidates = Trust.systemStores
    // SAFETY: the path lives through the call.
    guard let path = candidates.first(where: { unsafe access($0, R_OK) == 0 }) else {
      throw .noSystemStore(looked: candidates)
    }
    return try trust(PEMFile(path: path))
  }

  /// Every certificate in the file becomes an anchor, also one that is no authority of its own (X509_V_FLAG_PARTIAL_CHAIN).
  /// Answers with what is trusted.
  fileprivate func trust(_ file: borrowing PEMFile) throws(TLSError) -> Set<Fingerprint> {
    let authorities = try file.certificates()
    guard !authorities.isEmpty else { throw .noCertificate(origin: file.origin) }
    // SAFETY: the store is the context's; it takes references of its own.
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
    // Sessions go to whoever owns the connection; none is kept, locked or looked up here.
    _ = unsafe belvedere_ctx_set_session_cache_mode(context, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
    unsafe SSL_CTX_sess_set_new_cb(context, handleNewSession)
  }
}

private func handleVerification(chain: OpaquePointer?, argument: UnsafeMutableRawPointer?) -> Int32 {
  guard let chain = unsafe chain, let argument = unsafe argument else { return 0 }
  // SAFETY: the argument is the ClientContext of `verify(for:)`; the SSL is where OpenSSL puts it.
  let owner = unsafe Unmanaged<ClientContext>.fromOpaque(argument).takeUnretainedValue()
  let ssl = unsafe X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx())
  return unsafe owner.verdict(chain, for: OpaquePointer(ssl))
}

/// Keeps the newest session; 1 means that the reference is ours now. With TLS 1.3 it comes some time after the
/// handshake, while reading.
private func handleNewSession(ssl: OpaquePointer?, session: OpaquePointer?) -> Int32 {
  // SAFETY: the state lives as long as `ssl`, on whose thread this runs.
  guard let session = unsafe session, let state = unsafe SocketBIO.state(of: ssl),
    let client = unsafe state.pointee.client
  else { return 0 }
  client.session = unsafe TLSSession(adopting: session, context: client.context, serverName: client.serverName)
  return 1
}
