import COpenSSL
import Domain

/// Handshakes in memory that show whether a policy and certificates leave any to clients. OpenSSL decides that from the
/// versions, the lists and the key together; nothing else knows all of its rules.
extension ServerContext {
  /// Throws when a version that the policy accepts can not be spoken with one of the certificate sets, because of the
  /// policy's restrictions. Makes no handshake for a profile without any.
  public func rehearse() throws(TLSError) {
    guard !policy.restrictions.isEmpty else { return }
    for set in certificateSets {
      for version in policy.versions {
        let rehearsal = Rehearsal(certificates: set, version: version)
        if try rehearsal.succeeds(with: policy) { continue }
        // What the certificates can not do with the profile either is not the restrictions' fault.
        guard try rehearsal.succeeds(with: TLSPolicy(policy.profile)) else { continue }
        throw .noHandshake(
          origin: set[0].origin, key: set.map(\.keyType.rawValue).joined(separator: " or "), version: version,
          lists: try rehearsal.listsToBlame(in: policy))
      }
    }
  }
}

/// One server with these certificates, and a client that can do anything, with one version.
private struct Rehearsal {
  let certificates: [CertificatePair]
  let version: TLSVersion

  /// The keys of the lists without one of which it would succeed; all lists, when only several together prevent it.
  func listsToBlame(in policy: TLSPolicy) throws(TLSError) -> [String] {
    var guilty: [String] = []
    for list in policy.restrictions.lists where try succeeds(with: TLSPolicy(policy.profile, list.others)) {
      guilty.append(list.key)
    }
    return guilty.isEmpty ? policy.restrictions.lists.map(\.key) : guilty
  }

  func succeeds(with policy: TLSPolicy) throws(TLSError) -> Bool {
    let server = try ContextHandle(.server, policy: policy)
    for certificate in certificates { try server.present(certificate) }
    let client = try ContextHandle(.client, policy: Self.anything)
    for context in [server, client] { context.rehearse(version) }
    return Self.handshake(server, client)
  }

  /// What a client may offer that knows all names of the configuration.
  private static let anything: TLSPolicy = {
    var all = TLSRestrictions()
    all.ciphers = TLSCipher.allCases
    all.groups = TLSGroup.allCases
    return TLSPolicy(.old, all)
  }()

  /// Each turn moves 17 KB in each direction; a handshake has at most 100 KB.
  private static let longestHandshake = 32

  private static func handshake(_ server: ContextHandle, _ client: ContextHandle) -> Bool {
    defer { ERR_clear_error() }
    // SAFETY: the connections are made and freed here; each frees its end of the pair.
    guard let ours = unsafe SSL_new(server.context) else { return false }
    defer { unsafe SSL_free(ours) }
    guard let theirs = unsafe SSL_new(client.context) else { return false }
    defer { unsafe SSL_free(theirs) }
    var ends: (OpaquePointer?, OpaquePointer?)
    guard unsafe BIO_new_bio_pair(&ends.0, 0, &ends.1, 0) == 1 else { return false }
    unsafe SSL_set_bio(ours, ends.0, ends.0)
    unsafe SSL_set_bio(theirs, ends.1, ends.1)
    unsafe SSL_set_accept_state(ours)
    unsafe SSL_set_connect_state(theirs)
    for _ in 0..<longestHandshake {
      let answers = unsafe [theirs, ours].map { unsafe SSL_do_handshake($0) }
      if answers == [1, 1] { return true }
      let errors = unsafe [SSL_get_error(theirs, answers[0]), SSL_get_error(ours, answers[1])]
      guard errors.allSatisfy({ [SSL_ERROR_NONE, SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE].contains($0) }) else {
        return false
      }
    }
    return false
  }
}

extension ContextHandle {
  /// For connections that have no socket, with this version only. The callback for progress reads the socket's state.
  fileprivate func rehearse(_ version: TLSVersion) {
    // SAFETY: `context` is valid and not shared.
    unsafe SSL_CTX_set_info_callback(context, nil)
    _ = unsafe belvedere_ctx_set_minimum(context, Int32(version.rawValue))
    _ = unsafe belvedere_ctx_set_maximum(context, Int32(version.rawValue))
  }
}
