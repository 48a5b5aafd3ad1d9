import COpenSSL
import Domain
import Linux
import Synchronization
import Wire

/// The secrets of connections, as lines of SSLKEYLOGFILE.
private final class ReportedSecrets: Sendable {
  let lines = Mutex("")
}

/// The context of front connections: certificates by server name, a policy, ticket keys. Immutable after `init` and
/// used by all threads; connections keep it alive.
@safe public final class ServerContext: Sendable {
  /// One context for each certificate set; the first is the default and accepts every connection.
  private let handles: [ContextHandle]
  private let selection: CertificateSelection
  /// In the order of `init`.
  public let certificates: [CertificatePair]
  fileprivate let tickets: TicketKeys?
  let policy: TLSPolicy
  /// Nil when every name gets a handshake.
  fileprivate let names: ServerNameRules?
  /// Nil if clients are not asked for certificates.
  public let verification: ClientVerification?
  /// Nil in a context that does not report them.
  private let secrets: ReportedSecrets?

  /// The context of new connections. An `SSL_CTX`, valid as long as this object.
  var first: OpaquePointer {
    // SAFETY: the handle frees it, and is valid as long as this object, which users of the pointer hold.
    unsafe handles[0].context
  }

  /// One with a profile as it is, that refuses no name.
  public convenience init(
    certificates: [CertificatePair], profile: TLSProfile, tickets: TicketKeys?
  ) throws(TLSError) {
    try self.init(certificates: certificates, policy: TLSPolicy(profile), names: nil, tickets: tickets)
  }

  /// Certificates are selected by the client's server name (exact, then wildcard); the first is the default. Of several
  /// with one name and key type, the first is used. `tickets` are shared with the previous and next contexts; nil
  /// disables resumption, and so does a verification of clients.
  public convenience init(
    certificates: [CertificatePair], policy: TLSPolicy, names: ServerNameRules?, tickets: TicketKeys?,
    verification: ClientVerification? = nil
  ) throws(TLSError) {
    try self.init(
      certificates, policy, names, verification == nil ? tickets : nil, verification, reportsSecrets: false)
  }

  /// One that answers as `other` does, and reports the secrets of its connections: see `takeSecrets`.
  public convenience init(reportingSecretsLike other: ServerContext) throws(TLSError) {
    try self.init(
      other.certificates, other.policy, other.names, other.tickets, other.verification, reportsSecrets: true)
  }

  private init(
    _ certificates: [CertificatePair], _ policy: TLSPolicy, _ names: ServerNameRules?, _ tickets: TicketKeys?,
    _ verification: ClientVerification?, reportsSecrets: Bool
  ) throws(TLSError) {
    guard !certificates.isEmpty else { throw .noCertificatesGiven }
    self.policy = policy
    self.verification = verification
    var names = names
    names?.accept(certificates.flatMap(\.facts.names))
    self.names = names
    secrets = reportsSecrets ? ReportedSecrets() : nil
    selection = CertificateSelection(certificates.map { ($0.facts.names, $0.keyType) })
    self.tickets = tickets
    self.certificates = certificates
    var handles: [ContextHandle] = []
    for set in selection.sets {
      let handle = try ContextHandle(.server, policy: policy)
      handle.preferOwnOrder()
      for index in set { try handle.present(certificates[index]) }
      try handle.resume(with: tickets, policy: policy)
      try verification?.apply(to: handle)
      if reportsSecrets { handle.reportSecrets() }
      handles.append(handle)
    }
    self.handles = handles
    for handle in handles { handle.answer(to: self) }
  }

  /// The names of each certificate set, in lower case, with wildcards as `*.example.com`; the default set first.
  public var nameSets: [[String]] { selection.sets.map { set in set.flatMap { certificates[$0].facts.names } } }

  /// The certificates of each set.
  var certificateSets: [[CertificatePair]] { selection.sets.map { set in set.map { certificates[$0] } } }

  /// The first name of a set; nil when it has none, or does not exist.
  public func firstName(of set: Int) -> String? {
    guard selection.sets.indices.contains(set) else { return nil }
    return selection.sets[set].first.flatMap { certificates[$0].facts.names.first }
  }

  /// The secrets since the previous call; empty if there are none. They are of the connections that were advanced since.
  public func takeSecrets() -> String {
    secrets?.lines.withLock { lines in
      defer { lines = "" }
      return lines
    } ?? ""
  }

  fileprivate func add(secret line: String) { secrets?.lines.withLock { $0 += line + "\n" } }

  /// The set for clients that request `name`.
  public func set(for name: String) -> Int { selection.set(for: name) }

  /// Whether clients that request `name` get this set. Also true when no certificate has the name, so that they get the
  /// default.
  public func serves(_ name: String, with set: Int) -> Bool {
    selection.hasSet(for: name) ? selection.set(for: name) == set : true
  }

  /// The set that was selected for the connection.
  func set(of ssl: OpaquePointer) -> Int {
    guard handles.count > 1 else { return 0 }
    // SAFETY: `ssl` is valid; contexts are compared, not read.
    let context = unsafe SSL_get_SSL_CTX(ssl)
    return handles.firstIndex { unsafe $0.context == context } ?? 0
  }

  /// Selects the certificates for the client's server name.
  fileprivate func select(for ssl: OpaquePointer) {
    // SAFETY: `ssl` is valid for the callback; the name is NUL-terminated and copied here.
    let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) }
    let set = selection.set(for: name)
    if set != 0 { _ = unsafe SSL_set_SSL_CTX(ssl, handles[set].context) }
  }

  /// Staples the OCSP response for the selected certificate; false when there is none.
  fileprivate func staple(on ssl: OpaquePointer) -> Bool {
    // SAFETY: `ssl` is valid for the callback, and its certificate one of this context; the connection owns and frees
    // the copy, unless it rejects it.
    let shown = unsafe SSL_get_certificate(ssl)
    guard let pair = certificates.first(where: { unsafe $0.certificate.x509 == shown }),
      let answer = pair.staples.staple(at: Clock.wall())?.answer,
      let copy = unsafe belvedere_copy(answer, answer.count)
    else { return false }
    guard unsafe belvedere_staple(ssl, copy, answer.count) == 1 else {
      unsafe belvedere_free(copy)
      return false
    }
    return true
  }

  fileprivate func ticket(
    name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, cipher: OpaquePointer, mac: OpaquePointer,
    sealing: Bool, version: Int32
  ) -> Int32 {
    guard let tickets else { return 0 }
    // SAFETY: all four are valid for OpenSSL's callback.
    if sealing { return unsafe tickets.seal(name: name, iv: iv, cipher: cipher, mac: mac) }
    // A TLS 1.3 client uses a ticket once (RFC 8446 §C.4), so it gets a new one each time.
    return unsafe tickets.open(name: name, iv: iv, cipher: cipher, mac: mac, renewing: version == TLS1_3_VERSION)
  }
}

extension ContextHandle {
  /// Adds a certificate, its chain and its key.
  func present(_ pair: CertificatePair) throws(TLSError) {
    // SAFETY: all are valid; the context takes its own references.
    guard unsafe SSL_CTX_use_certificate(context, pair.certificate.x509) == 1,
      unsafe SSL_CTX_use_PrivateKey(context, pair.key.key) == 1
    else { throw .refused(origin: pair.origin, reason: pair.facts.explaining(takeQueuedReason())) }
    for issuer in pair.chain.issuers {
      guard unsafe belvedere_ctx_add_chain_certificate(context, issuer.x509) == 1 else {
        let reason = takeQueuedReason()
        throw .refused(origin: pair.origin, reason: CertificateFacts(reading: issuer)?.explaining(reason) ?? reason)
      }
    }
  }

  fileprivate func preferOwnOrder() {
    // SAFETY: `context` is valid and not shared yet.
    unsafe belvedere_ctx_prefer_own_order(context)
  }

  /// By ticket, by the ID of a session in the cache of `tickets`, or not at all. OpenSSL's own cache is not used.
  fileprivate func resume(with tickets: TicketKeys?, policy: TLSPolicy) throws(TLSError) {
    let mode = tickets == nil ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_SERVER
    // SAFETY: `context` is valid and not shared yet.
    _ = unsafe belvedere_ctx_set_session_cache_mode(context, Int(mode | SSL_SESS_CACHE_NO_INTERNAL))
    let scope = policy.sessionScope
    guard unsafe SSL_CTX_set_session_id_context(context, scope, UInt32(scope.count)) == 1 else {
      throw .openssl(doing: "naming the session context", reason: takeQueuedReason())
    }
    guard let tickets else {
      unsafe belvedere_ctx_refuse_tickets(context)
      _ = unsafe SSL_CTX_set_num_tickets(context, 0)
      return
    }
    _ = unsafe SSL_CTX_set_timeout(context, Int(tickets.ticketLifetime.nanoseconds / 1_000_000_000))
    // One ticket per handshake: a client with several connections gets one from each, and sealing costs time.
    _ = unsafe SSL_CTX_set_num_tickets(context, 1)
    _ = unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(context, handleTicket)
    unsafe SSL_CTX_sess_set_new_cb(context, handleNewSession)
    unsafe SSL_CTX_sess_set_get_cb(context, handleSessionSearch)
    unsafe SSL_CTX_sess_set_remove_cb(context, handleSessionEnd)
  }

  fileprivate func reportSecrets() {
    // SAFETY: `context` is valid and not shared yet.
    unsafe SSL_CTX_set_keylog_callback(context, handleSecret)
  }

  /// Makes `owner` handle the callbacks; it keeps this handle and outlives every connection.
  fileprivate func answer(to owner: ServerContext) {
    // SAFETY: unretained, since `owner` outlives the connections (each holds it) and so the callbacks.
    _ = unsafe belvedere_ctx_set_owner(context, Unmanaged.passUnretained(owner).toOpaque())
    _ = unsafe belvedere_ctx_set_server_name_callback(context, handleServerName)
    _ = unsafe belvedere_ctx_set_status_callback(context, handleStatus)
    unsafe SSL_CTX_set_alpn_select_cb(context, handleALPN, nil)
    unsafe SSL_CTX_set_client_hello_cb(context, handleHello, nil)
  }
}

extension CertificateFacts {
  /// OpenSSL's reason with the certificate's key and signature, for example `ee key too small`.
  fileprivate func explaining(_ reason: String) -> String {
    "\(reason); the key of \(self) is \(key), its signature \(signature)"
  }
}

private func owner(of ssl: OpaquePointer?) -> ServerContext? {
  // SAFETY: every accepting context has a ServerContext as its owner (`answer(to:)`), valid as long as `ssl`.
  guard let context = unsafe SSL_get_SSL_CTX(ssl), let owner = unsafe belvedere_ctx_owner(context) else { return nil }
  return unsafe Unmanaged<ServerContext>.fromOpaque(owner).takeUnretainedValue()
}

/// For an unknown name the client gets the default certificate and warns its user, unless `handleHello` has refused it.
private func handleServerName(
  ssl: OpaquePointer?, alert: UnsafeMutablePointer<Int32>?, argument: UnsafeMutableRawPointer?
) -> Int32 {
  // SAFETY: OpenSSL's `ssl` is valid for the callback, and so is the owner of its context.
  if let ssl = unsafe ssl { unsafe owner(of: ssl)?.select(for: ssl) }
  return SSL_TLSEXT_ERR_OK
}

/// Rejects an empty host name (RFC 6066 §3), which OpenSSL accepts, and the names that the context's rules refuse:
/// before anything has been computed for the client, and before it has seen a certificate.
private func handleHello(
  ssl: OpaquePointer?, alert: UnsafeMutablePointer<Int32>?, argument: UnsafeMutableRawPointer?
) -> Int32 {
  var start: UnsafePointer<UInt8>?
  var count = 0
  // SAFETY: the extension's bytes and the context's owner are valid for the callback.
  let isSent = unsafe SSL_client_hello_get0_ext(ssl, UInt32(TLSEXT_TYPE_server_name), &start, &count) == 1
  // The list's length, the first name's type and length. OpenSSL checks the rest.
  let list = unsafe UnsafeBufferPointer(start: start, count: isSent ? count : 0)
  if isSent, count >= 5, unsafe list[2] == UInt8(TLSEXT_NAMETYPE_host_name), unsafe list[3] == 0, unsafe list[4] == 0 {
    unsafe alert?.pointee = SSL_AD_DECODE_ERROR
    return SSL_CLIENT_HELLO_ERROR
  }
  guard let rules = unsafe owner(of: ssl)?.names,
    let refusal = unsafe rules.refusal(of: ClientHello.serverName(inList: Array(list).span))
  else { return SSL_CLIENT_HELLO_SUCCESS }
  unsafe belvedere_raise(TLSFailure.nameReason, refusal)
  unsafe alert?.pointee = SSL_AD_UNRECOGNIZED_NAME
  return SSL_CLIENT_HELLO_ERROR
}

/// Caches a session for resumption by ID; 1 means that we own the reference. In TLS 1.3 and with tickets, the client
/// stores it.
private func handleNewSession(ssl: OpaquePointer?, session: OpaquePointer?) -> Int32 {
  // SAFETY: both are valid for the callback.
  guard let session = unsafe session, unsafe SSL_SESSION_get_protocol_version(session) == TLS1_2_VERSION,
    let sessions = unsafe owner(of: ssl)?.tickets?.sessions
  else { return 0 }
  return unsafe sessions.keep(session) ? 1 : 0
}

private func handleSessionSearch(
  ssl: OpaquePointer?, identifier: UnsafePointer<UInt8>?, count: Int32, copying: UnsafeMutablePointer<Int32>?
) -> OpaquePointer? {
  // SAFETY: OpenSSL passes `count` bytes, and owns the returned reference since `copying` is 0.
  unsafe copying?.pointee = 0
  return unsafe owner(of: ssl)?.tickets?.sessions.find(UnsafeBufferPointer(start: identifier, count: Int(count)))
}

private func handleSessionEnd(context: OpaquePointer?, session: OpaquePointer?) {
  // SAFETY: the context's owner is valid as long as any connection made from it (`answer(to:)`).
  guard let context = unsafe context, let session = unsafe session, let owner = unsafe belvedere_ctx_owner(context)
  else { return }
  unsafe Unmanaged<ServerContext>.fromOpaque(owner).takeUnretainedValue().tickets?.sessions.forget(session)
}

private func handleStatus(ssl: OpaquePointer?, argument: UnsafeMutableRawPointer?) -> Int32 {
  // SAFETY: OpenSSL's `ssl` is valid for the callback, and so is the owner of its context.
  guard let ssl = unsafe ssl, let owner = unsafe owner(of: ssl), unsafe owner.staple(on: ssl) else {
    return SSL_TLSEXT_ERR_NOACK
  }
  return SSL_TLSEXT_ERR_OK
}

private func handleSecret(ssl: OpaquePointer?, line: UnsafePointer<CChar>?) {
  // SAFETY: OpenSSL's `ssl` and line are valid for the callback; the line is NUL-terminated and copied here.
  if let line = unsafe line { unsafe owner(of: ssl)?.add(secret: String(cString: line)) }
}

private func handleTicket(
  ssl: OpaquePointer?, name: UnsafeMutablePointer<UInt8>?, iv: UnsafeMutablePointer<UInt8>?, cipher: OpaquePointer?,
  mac: OpaquePointer?, sealing: Int32
) -> Int32 {
  // SAFETY: all five are OpenSSL's, of the documented sizes, and valid for the callback.
  guard let name = unsafe name, let iv = unsafe iv, let cipher = unsafe cipher, let mac = unsafe mac,
    let owner = unsafe owner(of: ssl)
  else { return -1 }
  return unsafe owner.ticket(
    name: name, iv: iv, cipher: cipher, mac: mac, sealing: sealing == 1, version: SSL_version(ssl))
}

/// `http/1.1` and `http/1.0` in ALPN's format, the preferred first: a length and the name (RFC 7301 §3.1).
private let offeredProtocols: StaticString = "\u{8}http/1.1\u{8}http/1.0"

/// A client that offers only other protocols is refused with no_application_protocol (RFC 7301 §3.2), since it would
/// send neither.
private func handleALPN(
  ssl: OpaquePointer?, chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, size: UnsafeMutablePointer<UInt8>?,
  offers: UnsafePointer<UInt8>?, offersSize: UInt32, argument: UnsafeMutableRawPointer?
) -> Int32 {
  var selected: UnsafeMutablePointer<UInt8>?
  // SAFETY: OpenSSL's list is valid for the call, ours is static; the selection points into one of them.
  let answer = unsafe SSL_select_next_proto(
    &selected, size, offeredProtocols.utf8Start, UInt32(offeredProtocols.utf8CodeUnitCount), offers, offersSize)
  guard answer == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
  unsafe chosen?.pointee = UnsafePointer(selected)
  return SSL_TLSEXT_ERR_OK
}
