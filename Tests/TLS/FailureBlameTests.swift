import COpenSSL
import Glibc
import Testing

@testable import TLS

/// Whose fault a broken connection was: what this machine lacks is no verdict on a peer.
@Suite struct `The blame for a broken connection` {
  @Test(arguments: [ENOMEM, ENOBUFS, EMFILE, EBADF, ENOTSOCK])
  func `an errno of this machine's own is this machine's`(code: Int32) {
    #expect(TLSFailure(errno: code).blame == .system)
  }

  @Test(arguments: [
    ECONNRESET, EPIPE, ETIMEDOUT, ECONNREFUSED, ECONNABORTED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENONET, EPERM,
  ])
  func `a reset, and what the network says, is the peer's`(code: Int32) {
    #expect(TLSFailure(errno: code).blame == .peer)
  }

  private static func queued(_ library: Int32, _ reason: Int32) -> TLSFailure {
    TLSFailure(opensslError: UInt(library) << UInt(ERR_LIB_OFFSET) | UInt(reason))
  }

  @Test(arguments: [ERR_LIB_SSL, ERR_LIB_EVP, ERR_LIB_ASN1, ERR_LIB_X509, ERR_LIB_PROV, ERR_LIB_CRYPTO, ERR_LIB_BN])
  func `memory that OpenSSL does not get is this machine's, whichever of its libraries says so`(library: Int32) {
    #expect(Self.queued(library, Int32(ERR_R_MALLOC_FAILURE)).blame == .system)
  }

  @Test func `randomness, system calls and an error inside of OpenSSL are this machine's`() {
    #expect(Self.queued(ERR_LIB_RAND, RAND_R_ERROR_RETRIEVING_ENTROPY).blame == .system)
    #expect(Self.queued(ERR_LIB_SSL, Int32(ERR_R_INTERNAL_ERROR)).blame == .system)
    #expect(TLSFailure(opensslError: 1 << 31 | UInt(ENOMEM)).blame == .system)
  }

  private static let refusals: [(Int32, Int32)] = [
    (ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER), (ERR_LIB_SSL, SSL_AD_REASON_OFFSET + 80), (ERR_LIB_DH, 102),
    (ERR_LIB_BN, 100), (ERR_LIB_EC, 100), (ERR_LIB_PROV, 100),
  ]

  @Test(arguments: refusals)
  func `whichever library refuses what a peer sent, it is the peer's`(library: Int32, reason: Int32) {
    #expect(Self.queued(library, reason).blame == .peer)
  }
}
