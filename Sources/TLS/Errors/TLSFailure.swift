import COpenSSL
import Glibc
import Linux

/// Why a connection failed, classified by who is at fault. Cheap to pass (one reference, allocated only on failure);
/// never contains a secret.
public struct TLSFailure: Error, CustomStringConvertible, Sendable {
  /// Who is at fault.
  public enum Blame: Equatable, Sendable {
    /// The peer: an alert, data that is not TLS, no common parameters, a broken or truncated connection.
    case peer
    /// The peer's certificate was rejected.
    case verification
    /// This machine: a system call failed for a reason other than peer or network, or OpenSSL failed (memory,
    /// randomness).
    case system
  }

  /// What has failed, as far as counters tell it apart.
  public enum Cause: Sendable {
    /// The peer closed or reset the connection.
    case closed
    /// It was not complete in time; never of a failure here.
    case timeout
    /// The peer's alert says that it does not accept our certificate.
    case certificateAlert
    /// Another alert of the peer.
    case alert
    /// No version, cipher, group or signature algorithm in common.
    case parameters
    /// The name that the client asks for is refused.
    case name
    /// What the peer sent is not TLS.
    case notTLS
    /// It is a request of HTTP in clear. Nothing was sent to the peer.
    case plainHTTP
    /// The peer has sent no certificate, and must have one.
    case noCertificate
    /// The peer's certificate was rejected.
    case badCertificate
    /// The peer violated the protocol.
    case invalid
    /// This machine.
    case local
  }

  private final class Details: Sendable {
    let blame: Blame
    let cause: Cause
    let reason: String
    let refusal: CertificateRefusal?
    let systemError: Int32

    init(
      blame: Blame, _ cause: Cause, reason: String, refusal: CertificateRefusal? = nil, systemError: Int32 = 0
    ) {
      self.blame = blame
      self.cause = cause
      self.reason = reason
      self.refusal = refusal
      self.systemError = systemError
    }
  }

  private let details: Details

  public var blame: Blame { details.blame }

  public var cause: Cause { details.cause }

  /// The rejected certificate and the pin that would accept it; only with blame `.verification`.
  public var refusal: CertificateRefusal? { details.refusal }

  /// The errno; 0 when no system call failed.
  public var systemError: Int32 { details.systemError }

  /// One line for the log. Text from the peer (certificate names) has its control characters escaped.
  public var description: String { details.refusal?.description ?? details.reason }

  init(peer reason: String, _ cause: Cause = .invalid) {
    details = Details(blame: .peer, cause, reason: reason)
  }

  init(refusal: CertificateRefusal) {
    details = Details(blame: .verification, .badCertificate, reason: "", refusal: refusal)
  }

  init(system reason: String) {
    details = Details(blame: .system, .local, reason: reason)
  }

  /// A failed system call on the socket. Resets, broken pipes, ICMP errors and firewall rejections are attributed to
  /// the peer.
  init(errno: Int32) {
    let peers: [Int32] = [
      ECONNRESET, EPIPE, ETIMEDOUT, ECONNREFUSED, ECONNABORTED, EPROTO, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN,
      ENONET, ENOPROTOOPT, EOPNOTSUPP, EMSGSIZE, EACCES, EPERM,
    ]
    let isPeers = peers.contains(errno)
    details = Details(
      blame: isPeers ? .peer : .system, isPeers ? .closed : .local, reason: SystemError.words(for: errno),
      systemError: errno)
  }

  /// Takes the reason from this thread's OpenSSL error queue, and empties the queue.
  static func takingFromQueue() -> TLSFailure {
    defer { ERR_clear_error() }
    var text: UnsafePointer<CChar>?
    // SAFETY: the text is NUL-terminated, valid until the queue changes, and copied here.
    let code = unsafe ERR_peek_error_data(&text, nil)
    if ERR_GET_LIB(code) == ERR_LIB_USER, ERR_GET_REASON(code) == nameReason, let text = unsafe text {
      return TLSFailure(peer: unsafe String(cString: text), .name)
    }
    return TLSFailure(opensslError: code)
  }

  /// The reason of our own errors in OpenSSL's queue: a name is refused.
  static let nameReason: Int32 = 1

  /// From an entry of OpenSSL's error queue: the first, which is the cause of the others.
  init(opensslError code: UInt) {
    let (library, reason) = (ERR_GET_LIB(code), ERR_GET_REASON(code))
    // A peer's alert arrives as a reason of this offset plus the alert's number (RFC 8446 §6.2).
    let alert = reason - SSL_AD_REASON_OFFSET
    if library == ERR_LIB_SSL, (0...255).contains(alert) {
      // SAFETY: the result is a string literal of OpenSSL, NUL-terminated, never null.
      let name = unsafe String(cString: SSL_alert_desc_string_long(alert))
      self.init(
        peer: "the peer sent the alert \"\(name)\"", certificateAlerts.contains(alert) ? .certificateAlert : .alert)
    } else if library == ERR_LIB_SSL, reason == SSL_R_HTTP_REQUEST {
      self.init(peer: "plain HTTP came where TLS was expected", .plainHTTP)
    } else if library == ERR_LIB_SSL, reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE {
      self.init(peer: "no certificate was sent, and one is required", .noCertificate)
    } else if reason == ERR_R_MALLOC_FAILURE || library == ERR_LIB_SSL && reason == ERR_R_INTERNAL_ERROR
      || [0, ERR_LIB_SYS, ERR_LIB_CRYPTO, ERR_LIB_RAND].contains(library)
    {
      self.init(system: reasonWords(code))
    } else {
      // Errors about a peer's data can come from any library of OpenSSL.
      self.init(peer: reasonWords(code), library == ERR_LIB_SSL ? Cause(of: reason) : .invalid)
    }
  }
}

extension TLSFailure.Cause {
  /// The cause of a failure with this reason of OpenSSL's part for TLS.
  fileprivate init(of reason: Int32) {
    self =
      switch reason {
      case let reason where parameterReasons.contains(reason): .parameters
      case let reason where foreignReasons.contains(reason): .notTLS
      default: .invalid
      }
  }
}

/// The alerts of a peer that does not accept our certificate: bad_certificate, unsupported_certificate,
/// certificate_revoked, certificate_expired, certificate_unknown and unknown_ca (RFC 8446 §6.2).
private let certificateAlerts: [Int32] = [42, 43, 44, 45, 46, 48]

/// OpenSSL's reasons where both sides have nothing in common.
private let parameterReasons = [
  SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE,
  SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
  SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_WRONG_SSL_VERSION,
]

/// OpenSSL's reasons where the first bytes are those of another protocol.
private let foreignReasons = [
  SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_UNKNOWN_PROTOCOL, SSL_R_PACKET_LENGTH_TOO_LONG,
  SSL_R_BAD_RECORD_TYPE,
]
