import COpenSSL
import Domain
import Foundation
import Wire

@testable import TLS

/// Contexts that most tests begin with.
enum Contexts {
  static let now = Instant(nanoseconds: 1_000_000_000)

  static func server(
    _ certificates: CertificatePair..., profile: TLSProfile = .intermediate, tickets: TicketKeys? = nil
  ) throws -> ServerContext {
    let certificates = try certificates.isEmpty ? [SelfSigned.make(for: ["view.domain.local"])] : certificates
    return try ServerContext(certificates: certificates, profile: profile, tickets: tickets)
  }

  /// A client that does not verify certificates.
  static func trusting(profile: TLSProfile = .legacy) throws -> ClientContext {
    try ClientContext(trust: .insecureNoVerification, policy: TLSPolicy(profile))
  }

  /// A client that trusts the certificates of this text, from a temporary file.
  static func trusting(_ pem: [UInt8]) throws -> ClientContext {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).pem")
    try Data(pem).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try ClientContext(trust: .authority(file: file.path))
  }

  /// A client that speaks one version only.
  static func trusting(limitedTo version: TLSVersion, profile: TLSProfile = .legacy) throws -> ClientContext {
    let client = try trusting(profile: profile)
    unsafe belvedere_ctx_set_minimum(client.context, Int32(version.rawValue))
    unsafe belvedere_ctx_set_maximum(client.context, Int32(version.rawValue))
    return client
  }

  /// The oldest client that OpenSSL can still be: up to TLS 1.1.
  static func ancient() throws -> ClientContext {
    let client = try trusting()
    unsafe SSL_CTX_set_cipher_list(client.context, "ALL:@SECLEVEL=0")
    unsafe belvedere_ctx_set_minimum(client.context, TLS1_VERSION)
    unsafe belvedere_ctx_set_maximum(client.context, TLS1_1_VERSION)
    return client
  }

  /// A client that offers these TLS 1.2 ciphers (OpenSSL's names) and nothing newer.
  static func offering(_ ciphers: String) throws -> ClientContext {
    let client = try trusting(limitedTo: .tls12)
    unsafe SSL_CTX_set_cipher_list(client.context, ciphers)
    return client
  }

  /// A client that offers these ALPN protocols.
  static func offering(protocols: [String]) throws -> ClientContext {
    let client = try trusting()
    let list = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    unsafe SSL_CTX_set_alpn_protos(client.context, list, UInt32(list.count))
    return client
  }

  /// A client that sends its key shares for another group first, or for none that the server has.
  static func offering(groups: String) throws -> ClientContext {
    let client = try trusting()
    unsafe belvedere_ctx_set_groups(client.context, groups)
    return client
  }
}

extension ClientContext {
  /// Makes it a client that takes no tickets.
  func refuseTickets() { unsafe belvedere_ctx_refuse_tickets(context) }
}

extension SessionCache {
  /// Adds this number of sessions without a connection; false if one is not accepted.
  func fill(_ count: Int) -> Bool {
    (0..<count).allSatisfy { number in
      guard let session = unsafe SSL_SESSION_new() else { return false }
      var identifier = [UInt8](repeating: 0, count: 32)
      for byte in 0..<4 { identifier[byte] = UInt8(truncatingIfNeeded: number >> (8 * byte)) }
      return unsafe SSL_SESSION_set1_id(session, identifier, 32) == 1 && keep(session)
    }
  }
}

extension ServerContext {
  /// The names of the ciphers that the first context accepts, in order.
  var cipherNames: [String] {
    let ciphers = unsafe SSL_CTX_get_ciphers(first)
    return (0..<(unsafe OPENSSL_sk_num(ciphers))).map { index in
      let cipher = unsafe OpaquePointer(OPENSSL_sk_value(ciphers, index))
      return unsafe String(cString: SSL_CIPHER_get_name(cipher))
    }
  }
}

extension TLSConnection {
  /// Makes the next write change keys and ask the peer to do so too.
  mutating func requestKeyUpdate() {
    unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
  }

  /// Starts a renegotiation, as a hostile TLS 1.2 client does.
  mutating func startRenegotiation() {
    unsafe SSL_clear_options(ssl, 1 << 30 /* SSL_OP_NO_RENEGOTIATION */)
    unsafe SSL_renegotiate(ssl)
    _ = handshake()
  }
}
