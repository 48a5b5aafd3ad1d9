import COpenSSL
import Domain
import Wire

/// Which certificates of clients are accepted: those of some authorities for TLS clients, unless a revocation list has
/// them. Immutable after `init` and used by all threads; contexts keep it alive.
///
/// Every handshake verifies the certificate anew: sessions are not resumed, so that a revocation, an expiry or another
/// configuration applies to the next connection, and no session of another service can stand for a certificate.
@safe public final class ClientVerification: Sendable {
  /// Whether a client without a certificate is refused.
  public let isRequired: Bool
  /// In the file's order.
  public let authorities: [CertificateFacts]
  /// In the file's order; empty if none are checked.
  public let revocationLists: [RevocationList]
  private let certificates: [Certificate]
  private let store: TrustStore

  /// The most intermediates between a client's certificate and its authority.
  static let mostIntermediates: Int32 = 4
  /// The client's own, those, and a root that is sent although it need not be.
  static let mostCertificates: Int32 = mostIntermediates + 2
  /// How clients may sign a handshake: SHA-256 and later, whatever the profile allows for the server's own.
  static let signatures =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:rsa_pss_rsae_sha256:"
    + "rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
  /// The most bytes of a client's chain: more than those intermediates need with RSA keys of 8,192 bits.
  static let mostChainBytes = 32 * 1024
  /// Files with more authorities are those of a system, which vouch for servers of the whole Internet.
  static let mostAuthorities = 64
  /// The most bytes of a name, escaped as in `CertificateFacts`. A part of a name could be the name of another client.
  static let longestName = 1024
  /// OpenSSL's security level for these chains, whatever the profile's is: RSA from 2,048 bits, no SHA-1.
  static let securityLevel: Int32 = 2

  /// Loads both files now: nothing is read from disk later.
  ///
  /// - Parameters:
  ///   - authorities: a PEM file. Each certificate in it is a trust anchor, also one that is not a root.
  ///   - lists: a PEM file with a list of each authority and each intermediate. Nil: none are checked.
  public init(authorities path: String, revocationLists lists: String?, isRequired: Bool) throws(TLSError) {
    let file = try PEMFile(path: path)
    certificates = try file.certificates()
    guard !certificates.isEmpty else { throw .noCertificate(origin: path) }
    guard certificates.count <= Self.mostAuthorities else {
      throw .tooManyAuthorities(origin: path, count: certificates.count, most: Self.mostAuthorities)
    }
    self.isRequired = isRequired
    let store = try TrustStore()
    self.store = store
    authorities = certificates.compactMap(CertificateFacts.init(reading:))
    for certificate in certificates {
      // SAFETY: the certificate is valid as long as its owner; the store takes its own reference.
      guard unsafe X509_check_ca(certificate.x509) == 1 else {
        throw .noAuthority(
          origin: path, subject: CertificateFacts(reading: certificate)?.description ?? "a certificate")
      }
      try store.add(certificate, from: path)
    }
    if let lists {
      revocationLists = try store.addRevocationLists(from: PEMFile(path: lists))
    } else {
      revocationLists = []
    }
  }

  /// Whether clients of an authority are refused because no list of it is given.
  public func lacksList(of authority: CertificateFacts) -> Bool {
    !revocationLists.isEmpty && !revocationLists.contains { $0.issuer == authority.subject }
  }

  /// Asks the clients of a context for certificates. The context's owner must keep this object alive.
  func apply(to handle: ContextHandle) throws(TLSError) {
    let mode = SSL_VERIFY_PEER | (isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
    // SAFETY: `context` is valid and not shared yet. It takes references to the store and copies the names. `self` is
    // unretained, since the context's owner holds it and outlives the connections, and so the callbacks.
    unsafe SSL_CTX_set_verify(handle.context, mode, nil)
    unsafe SSL_CTX_set_verify_depth(handle.context, Self.mostIntermediates)
    unsafe belvedere_ctx_limit_chain(handle.context, Self.mostChainBytes)
    unsafe SSL_CTX_set1_cert_store(handle.context, store.store)
    guard unsafe belvedere_ctx_set_client_signatures(handle.context, Self.signatures) == 1,
      certificates.allSatisfy({ unsafe SSL_CTX_add_client_CA(handle.context, $0.x509) == 1 })
    else { throw .openssl(doing: "asking for certificates of clients", reason: takeQueuedReason()) }
    unsafe SSL_CTX_set_cert_verify_callback(
      handle.context, handleClientCertificate, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Whether both accept the same clients: a reload may have changed neither file.
  public func isEquivalent(to other: ClientVerification) -> Bool {
    isRequired == other.isRequired && authorities == other.authorities && revocationLists == other.revocationLists
  }

  /// Why the chain of this `X509_STORE_CTX` does not pass; nil if it does. Lists are looked at when all signatures have
  /// been verified: OpenSSL reads a whole list to verify it, which a forged certificate must not cause.
  private func findRefusal(of chain: OpaquePointer) -> CertificateRefusal? {
    // SAFETY: `chain` is valid for the call, as are the results of its getters.
    guard let leaf = unsafe X509_STORE_CTX_get0_cert(chain), let facts = unsafe CertificateFacts(reading: leaf),
      facts.hasShortNames
    else {
      return unsafe reject(chain, "its subject or issuer has more than \(Self.longestName) characters", nil)
    }
    guard unsafe belvedere_certificates_count(X509_STORE_CTX_get0_untrusted(chain)) <= Self.mostCertificates else {
      return unsafe reject(chain, "more than \(Self.mostCertificates) certificates were sent", facts)
    }
    guard unsafe X509_check_ca(leaf) != 1 else { return unsafe reject(chain, "it is that of an authority", facts) }
    if let refusal = unsafe verify(chain, facts) { return refusal }
    if revocationLists.isEmpty { return nil }
    let failure = unsafe withChain(of: leaf, X509_STORE_CTX_get0_untrusted(chain)) { second -> CertificateRefusal? in
      let flags = UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)
      unsafe X509_STORE_CTX_set_flags(second, flags)
      let refusal = unsafe verify(second, facts)
      unsafe X509_STORE_CTX_set_error(chain, X509_STORE_CTX_get_error(second))
      return refusal
    }
    return failure ?? (unsafe reject(chain, "out of memory", facts))
  }

  private func verify(_ chain: OpaquePointer, _ leaf: CertificateFacts) -> CertificateRefusal? {
    // SAFETY: `chain` is valid for the call, as are the results of its getters; the reason is a static string.
    unsafe X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(chain), Self.securityLevel)
    unsafe X509_STORE_CTX_set_verify_cb(chain, pardonAnchor)
    if unsafe X509_verify_cert(chain) == 1 { return nil }
    ERR_clear_error()
    let depth = unsafe X509_STORE_CTX_get_error_depth(chain)
    var culprit = unsafe X509_STORE_CTX_get_current_cert(chain).flatMap { unsafe CertificateFacts(reading: $0) }
    if depth == 0 { culprit = leaf }
    let reason = unsafe String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(chain))))
    return CertificateRefusal(
      reason: reason, certificate: culprit?.hasShortNames == true ? culprit : nil, depth: Int(depth), leaf: leaf,
      expectedName: "")
  }

  private func reject(_ chain: OpaquePointer, _ reason: String, _ leaf: CertificateFacts?) -> CertificateRefusal {
    // SAFETY: `chain` is valid for the call.
    unsafe X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED)
    return CertificateRefusal(reason: reason, certificate: leaf, depth: 0, leaf: leaf, expectedName: "")
  }

  /// Nil if memory is short.
  private func withChain<Result>(
    of leaf: OpaquePointer, _ others: OpaquePointer?, _ body: (OpaquePointer) -> Result
  ) -> Result? {
    // SAFETY: the caller's certificates are valid for the call; the context is freed here.
    guard let chain = unsafe X509_STORE_CTX_new() else { return nil }
    defer { unsafe X509_STORE_CTX_free(chain) }
    defer { ERR_clear_error() }
    guard unsafe X509_STORE_CTX_init(chain, store.store, leaf, others) == 1,
      unsafe X509_STORE_CTX_set_default(chain, "ssl_client") == 1
    else { return nil }
    unsafe X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(chain), Self.mostIntermediates)
    return unsafe body(chain)
  }

  /// The result of the handshake's verification, for SSL_CTX_set_cert_verify_callback(3).
  fileprivate func verdict(_ chain: OpaquePointer) -> Int32 {
    // SAFETY: the SSL is at OpenSSL's own index, and its state valid for the callback.
    guard let refusal = unsafe findRefusal(of: chain) else { return 1 }
    let ssl = unsafe X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx())
    unsafe SocketBIO.state(of: OpaquePointer(ssl))?.pointee.refusal = TLSFailure(refusal: refusal)
    return 0
  }

  /// Why a connection whose handshake was made under other settings would not be accepted now.
  fileprivate func findRefusal(ofConnection ssl: OpaquePointer) -> TLSFailure? {
    // SAFETY: the caller's `ssl` is valid; certificate and chain are borrowed from it.
    guard let leaf = unsafe SSL_get0_peer_certificate(ssl) else {
      return isRequired ? TLSFailure(peer: "it has no certificate, and one is required now", .noCertificate) : nil
    }
    let refusal = unsafe withChain(of: leaf, SSL_get_peer_cert_chain(ssl)) { unsafe findRefusal(of: $0) }
    guard let refusal else { return TLSFailure(system: "its certificate can't be verified: out of memory") }
    return refusal.map(TLSFailure.init(refusal:))
  }
}

extension CertificateFacts {
  /// Whether its names are short enough for servers and the log.
  fileprivate var hasShortNames: Bool {
    max(subject.utf8.count, issuer.utf8.count, serialNumber.utf8.count) <= ClientVerification.longestName
  }
}

extension TLSFailure {
  /// Of a certificate that was verified, and that servers can't be told of.
  public static var unprintable: TLSFailure {
    TLSFailure(peer: "its certificate has names that are not printable", .badCertificate)
  }
}

extension TLSConnection {
  /// On the server's side: why the client would not be accepted if it connected now; nil if it would. `verification`
  /// may be another one than that of its handshake.
  public func findRefusal(by verification: ClientVerification) -> TLSFailure? {
    // SAFETY: `ssl` is valid as long as `self`.
    unsafe verification.findRefusal(ofConnection: ssl)
  }
}

/// The owner of an `X509_STORE`. Configured by its creator, and immutable once contexts use it; OpenSSL locks it.
@safe private final class TrustStore: @unchecked Sendable {
  /// An `X509_STORE`, valid as long as this object.
  let store: OpaquePointer

  init() throws(TLSError) {
    _ = Library.ready
    // SAFETY: `self` owns the new store.
    guard let store = unsafe X509_STORE_new() else {
      throw .openssl(doing: "making a certificate store", reason: takeQueuedReason())
    }
    unsafe self.store = store
    _ = unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
  }

  deinit {
    // SAFETY: allocated in `init`; contexts hold their own references.
    unsafe X509_STORE_free(store)
  }

  func add(_ authority: Certificate, from origin: String) throws(TLSError) {
    // SAFETY: both are valid; the store takes its own reference.
    guard unsafe X509_STORE_add_cert(store, authority.x509) == 1 else {
      throw .refused(origin: origin, reason: takeQueuedReason())
    }
  }

  func addRevocationLists(from file: borrowing PEMFile) throws(TLSError) -> [RevocationList] {
    let store = unsafe store
    // SAFETY: the store is valid, and not shared yet; it takes its own reference of each list.
    let lists = unsafe try file.revocationLists { unsafe X509_STORE_add_crl(store, $0) == 1 }
    guard !lists.isEmpty else { throw .noRevocationList(origin: file.origin) }
    return lists
  }
}

private func handleClientCertificate(chain: OpaquePointer?, argument: UnsafeMutableRawPointer?) -> Int32 {
  guard let chain = unsafe chain, let argument = unsafe argument else { return 0 }
  // SAFETY: the argument is the ClientVerification of `apply(to:)`.
  return unsafe Unmanaged<ClientVerification>.fromOpaque(argument).takeUnretainedValue().verdict(chain)
}

/// Accepts an anchor that no list of its own issuer speaks of: it is trusted because the file has it, and revoked by
/// taking it out. A client's own certificate needs a list in any case.
private func pardonAnchor(isGood: Int32, chain: OpaquePointer?) -> Int32 {
  guard isGood == 0, let chain = unsafe chain else { return isGood }
  // SAFETY: OpenSSL's context is valid for the callback, and so is its chain.
  let error = unsafe X509_STORE_CTX_get_error(chain)
  let depth = unsafe X509_STORE_CTX_get_error_depth(chain)
  guard error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, depth > 0,
    unsafe depth == belvedere_certificates_count(X509_STORE_CTX_get0_chain(chain)) - 1
  else { return 0 }
  unsafe X509_STORE_CTX_set_error(chain, X509_V_OK)
  return 1
}
