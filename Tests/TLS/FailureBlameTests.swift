import COpenSSL
import Glibc
import Testing

@testable import TLS

/// Who is blamed for a failed connection: a local shortage is not the peer's fault.
@Suite struct `Blame for a failed connection` {
  @Test(arguments: [ENOMEM, ENOBUFS, EMFILE, EBADF, ENOTSOCK])
  func `an errno about local resources is blamed on this machine`(code: Int32) {
    #expect(TLSFailure(errno: code).blame == .system)
  }

  @Test(arguments: [
    ECONNRESET, EPIPE, ETIMEDOUT, ECONNREFUSED, ECONNABORTED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENONET, EPERM,
  ])
  func `a reset or a network error is blamed on the peer`(code: Int32) {
    #expect(TLSFailure(errno: code).blame == .peer)
  }

  private static func queued(_ library: Int32, _ reason: Int32) -> TLSFailure {
    TLSFailure(opensslError: UInt(library) << UInt(ERR_LIB_OFFSET) | UInt(reason))
  }

  @Test(arguments: [ERR_LIB_SSL, ERR_LIB_EVP, ERR_LIB_ASN1, ERR_LIB_X509, ERR_LIB_PROV, ERR_LIB_CRYPTO, ERR_LIB_BN])
  func `a failed allocation is blamed on this machine, whichever OpenSSL library reports it`(library: Int32) {
    #expect(Self.queued(library, Int32(ERR_R_MALLOC_FAILURE)).blame == .system)
  }

  @Test func `failures of randomness, system calls and OpenSSL itself are blamed on this machine`() {
    #expect(Self.queued(ERR_LIB_RAND, RAND_R_ERROR_RETRIEVING_ENTROPY).blame == .system)
    #expect(Self.queued(ERR_LIB_SSL, Int32(ERR_R_INTERNAL_ERROR)).blame == .system)
    #expect(TLSFailure(opensslError: 1 << 31 | UInt(ENOMEM)).blame == .system)
  }

  private static let refusals: [(Int32, Int32)] = [
    (ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER), (ERR_LIB_SSL, SSL_AD_REASON_OFFSET + 80), (ERR_LIB_DH, 102),
    (ERR_LIB_BN, 100), (ERR_LIB_EC, 100), (ERR_LIB_PROV, 100),
  ]

  @Test(arguments: refusals)
  func `a rejected message is blamed on the peer, whichever OpenSSL library reports it`(library: Int32, reason: Int32) {
    #expect(Self.queued(library, reason).blame == .peer)
  }

  /// OpenSSL's reason, and the cause that counts.
  private static let causes: [(Int32, TLSFailure.Cause)] = [
    (SSL_AD_REASON_OFFSET + 42, .certificateAlert), (SSL_AD_REASON_OFFSET + 46, .certificateAlert),
    (SSL_AD_REASON_OFFSET + 48, .certificateAlert), (SSL_AD_REASON_OFFSET + 47, .alert),
    (SSL_AD_REASON_OFFSET + 80, .alert), (SSL_R_NO_SHARED_CIPHER, .parameters),
    (SSL_R_UNSUPPORTED_PROTOCOL, .parameters), (SSL_R_NO_SUITABLE_KEY_SHARE, .parameters),
    (SSL_R_HTTP_REQUEST, .plainHTTP), (SSL_R_WRONG_VERSION_NUMBER, .notTLS), (SSL_R_UNEXPECTED_MESSAGE, .invalid),
    (SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, .noCertificate),
    (SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, .invalid), (Int32(ERR_R_INTERNAL_ERROR), .local),
  ]

  @Test(arguments: causes)
  func `a failed handshake has one cause, by OpenSSL's reason`(reason: Int32, cause: TLSFailure.Cause) {
    #expect(Self.queued(ERR_LIB_SSL, reason).cause == cause)
  }

  @Test func `the cause of a reset is the peer's end, and of a shortage this machine`() {
    #expect(TLSFailure(errno: ECONNRESET).cause == .closed)
    #expect(TLSFailure(errno: ENOMEM).cause == .local)
  }
}
