import COpenSSL
import Domain
import Glibc
import Linux
import Synchronization
import TLS

/// A peer of a TLS connection that follows the protocol until the end of the handshake, and then sends arbitrary
/// records, encrypted with the negotiated keys.
///
/// OpenSSL makes its handshake over the right end of a socket pair, non-blocking; the connection under test has the
/// left one. Keys come from what OpenSSL writes for debuggers (SSL_CTX_set_keylog_callback(3)). TLS_AES_128_GCM_SHA256
/// with TLS 1.3, ECDHE-ECDSA-AES128-GCM-SHA256 with TLS 1.2.
@safe package final class RecordPeer {
  package enum Side: Sendable { case client, server }

  /// Content types (RFC 8446 §B.1).
  package enum ContentType {
    package static let changeCipherSpec: UInt8 = 20
    package static let alert: UInt8 = 21
    package static let handshake: UInt8 = 22
    package static let applicationData: UInt8 = 23
  }

  /// The contexts of both sides, shared by the tests because they are expensive.
  @safe package final class Contexts: @unchecked Sendable {
    package let front: ServerContext
    package let back: ClientContext
    fileprivate let contexts: [OpaquePointer]

    package init() throws(TLSError) {
      let pair = try SelfSigned.make(for: ["view.domain.local"])
      front = try ServerContext(certificates: [pair], profile: .intermediate, tickets: nil)
      back = try ClientContext(trust: .insecureNoVerification)
      let (certificate, key) = (try pair.certificatePEM(), try pair.privateKeyPEM())
      var contexts = unsafe [OpaquePointer]()
      for version in [TLS1_3_VERSION, TLS1_2_VERSION] {
        for side in [Side.client, .server] { unsafe contexts.append(Contexts.make(side, version, certificate, key)) }
      }
      unsafe self.contexts = contexts
    }

    private static func make(_ side: Side, _ version: Int32, _ certificate: [UInt8], _ key: [UInt8]) -> OpaquePointer {
      // SAFETY: everything is made here; the context takes references, and lives as long as the process.
      guard let context = unsafe SSL_CTX_new(side == .client ? TLS_client_method() : TLS_server_method()) else {
        preconditionFailure("no context")
      }
      unsafe belvedere_ctx_set_minimum(context, version)
      unsafe belvedere_ctx_set_maximum(context, version)
      unsafe SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256")
      unsafe SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256")
      unsafe SSL_CTX_set_num_tickets(context, 0)
      unsafe belvedere_ctx_refuse_tickets(context)
      unsafe SSL_CTX_set_keylog_callback(context, noteSecret)
      if side == .server {
        let certificates = unsafe BIO_new_mem_buf(certificate, Int32(certificate.count))
        let keys = unsafe BIO_new_mem_buf(key, Int32(key.count))
        let x509 = unsafe PEM_read_bio_X509(certificates, nil, nil, nil)
        let privateKey = unsafe PEM_read_bio_PrivateKey(keys, nil, nil, nil)
        unsafe SSL_CTX_use_certificate(context, x509)
        unsafe SSL_CTX_use_PrivateKey(context, privateKey)
        unsafe X509_free(x509)
        unsafe EVP_PKEY_free(privateKey)
        unsafe BIO_free(certificates)
        unsafe BIO_free(keys)
      }
      return unsafe context
    }

    fileprivate func context(_ side: Side, _ version: TLSVersion) -> OpaquePointer {
      unsafe contexts[(version == .tls13 ? 0 : 2) + (side == .client ? 0 : 1)]
    }
  }

  package let side: Side
  package let version: TLSVersion
  /// Its own end of the socket pair.
  package let descriptor: Int32
  private let ssl: OpaquePointer
  private let cipher = unsafe EVP_CIPHER_CTX_new()
  private var secret: [UInt8] = []
  private var key: [UInt8] = []
  private var iv: [UInt8] = []
  private var sequence: UInt64 = 0

  package init(_ side: Side, _ version: TLSVersion, on descriptor: Int32, of contexts: Contexts) {
    self.side = side
    self.version = version
    self.descriptor = descriptor
    // SAFETY: the context lives as long as the process.
    guard let ssl = unsafe SSL_new(contexts.context(side, version)) else { preconditionFailure("no connection") }
    unsafe self.ssl = ssl
    unsafe SSL_set_fd(ssl, descriptor)
    if side == .client { unsafe SSL_set_connect_state(ssl) } else { unsafe SSL_set_accept_state(ssl) }
  }

  deinit {
    unsafe SSL_free(ssl)
    unsafe EVP_CIPHER_CTX_free(cipher)
  }

  // MARK: - Commands

  /// Performs the handshake with a connection on the other end; false if either side fails.
  package func handshake(with connection: inout TLSConnection) -> Bool {
    var (mine, theirs) = (false, false)
    for _ in 0..<20 where !mine || !theirs {
      if !mine { mine = unsafe SSL_do_handshake(ssl) == 1 }
      connection.became([.readable, .writable])
      if !theirs, case .done = connection.handshake() { theirs = true }
    }
    guard mine, theirs else { return false }
    deriveKeys()
    return true
  }

  /// One record of this type with this content, as it goes over the wire.
  package func seal(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
    defer { sequence += 1 }
    let number = (0..<8).map { UInt8(truncatingIfNeeded: sequence >> (56 - 8 * UInt64($0))) }
    if version == .tls13 {
      // RFC 8446 §5.2: the real type follows the content, and the header says application data.
      let size = content.count + 1 + 16
      let header = [23, 3, 3, UInt8(size >> 8), UInt8(size & 0xff)]
      var nonce = iv
      for index in 0..<8 { nonce[4 + index] ^= number[index] }
      return header + encrypt(content + [type], nonce: nonce, additional: header)
    }
    // RFC 5288 §3, RFC 5246 §6.2.3.3.
    let additional = number + [type, 3, 3, UInt8(content.count >> 8), UInt8(content.count & 0xff)]
    let size = content.count + 8 + 16
    return [type, 3, 3, UInt8(size >> 8), UInt8(size & 0xff)] + number
      + encrypt(content, nonce: iv + number, additional: additional)
  }

  /// What of such a record is application data. In TLS 1.3 zeros at its end are padding, also a type of zero: the last
  /// other byte is the type (RFC 8446 §5.4).
  package func applicationData(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
    var (type, content) = (type, content)
    while version == .tls13, type == 0, let last = content.popLast() { type = last }
    return type == ContentType.applicationData ? content : []
  }

  /// A KeyUpdate (RFC 8446 §4.6.3), after which this side's records are encrypted with the next key.
  package func keyUpdate(requested: Bool = false) -> [UInt8] {
    let record = seal(ContentType.handshake, [24, 0, 0, 1, requested ? 1 : 0])
    if version == .tls13 {
      secret = expand(secret, "traffic upd", 32)
      deriveTrafficKeys()
    }
    return record
  }

  /// A NewSessionTicket of the minimum size (RFC 8446 §4.6.1).
  package static let ticket: [UInt8] = [4, 0, 0, 14, 0, 0, 1, 0, 1, 2, 3, 4, 0, 0, 1, 9, 0, 0]
  /// A HelloRequest (RFC 5246 §7.4.1.1).
  package static let helloRequest: [UInt8] = [0, 0, 0, 0]
  /// A ClientHello of TLS 1.2 with one cipher and nothing else.
  package static let clientHello: [UInt8] =
    [1, 0, 0, 43, 3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 0]

  // MARK: - Keys

  private func deriveKeys() {
    let lines = Secrets.take(of: unsafe UInt(bitPattern: ssl))
    func bytes(_ label: String) -> [UInt8] {
      lines.first { $0.hasPrefix(label + " ") }.map { RecordPeer.unhex($0.split(separator: " ").last ?? "") } ?? []
    }
    if version == .tls13 {
      secret = bytes(side == .client ? "CLIENT_TRAFFIC_SECRET_0" : "SERVER_TRAFFIC_SECRET_0")
      return deriveTrafficKeys()
    }
    // RFC 5246 §6.3, and §5 for the function. The one record under these keys so far is Finished.
    let master = bytes("CLIENT_RANDOM")
    var (client, server) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 32))
    unsafe SSL_get_client_random(ssl, &client, 32)
    unsafe SSL_get_server_random(ssl, &server, 32)
    let seed = Array("key expansion".utf8) + server + client
    var (block, chain) = ([UInt8](), seed)
    while block.count < 40 {
      chain = Digest.hmacSHA256(key: master, chain)
      block += Digest.hmacSHA256(key: master, chain + seed)
    }
    key = Array(side == .client ? block[0..<16] : block[16..<32])
    iv = Array(side == .client ? block[32..<36] : block[36..<40])
    sequence = 1
  }

  private func deriveTrafficKeys() {
    key = expand(secret, "key", 16)
    iv = expand(secret, "iv", 12)
    sequence = 0
  }

  /// HKDF-Expand-Label (RFC 8446 §7.1) of at most one block, without context.
  private func expand(_ secret: [UInt8], _ label: String, _ count: Int) -> [UInt8] {
    let label = Array("tls13 \(label)".utf8)
    let info = [0, UInt8(count), UInt8(label.count)] + label + [0]
    return Array(Digest.hmacSHA256(key: secret, info + [1]).prefix(count))
  }

  /// AES-128-GCM, followed by the tag.
  private func encrypt(_ content: [UInt8], nonce: [UInt8], additional: [UInt8]) -> [UInt8] {
    var sealed = [UInt8](repeating: 0, count: content.count + 16)
    var (count, rest) = (Int32(0), Int32(0))
    // SAFETY: `sealed` has room for the content and the tag; OpenSSL reads what the counts say.
    unsafe EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), nil, key, nonce)
    unsafe EVP_EncryptUpdate(cipher, nil, &rest, additional, Int32(additional.count))
    unsafe EVP_EncryptUpdate(cipher, &sealed, &count, content, Int32(content.count))
    unsafe EVP_EncryptFinal_ex(cipher, nil, &rest)
    var tag = [UInt8](repeating: 0, count: 16)
    unsafe EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, &tag)
    sealed.replaceSubrange(content.count..., with: tag)
    return sealed
  }

  private static func unhex(_ text: Substring) -> [UInt8] {
    let digits = text.utf8.compactMap { UInt8(Character(UnicodeScalar($0)).hexDigitValue ?? 0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

/// The secrets that OpenSSL has logged, by connection. Locked, since tests run in parallel.
private enum Secrets {
  private static let lines = Mutex<[UInt: [String]]>([:])

  static func note(_ line: String, of connection: UInt) { lines.withLock { $0[connection, default: []].append(line) } }

  static func take(of connection: UInt) -> [String] { lines.withLock { $0.removeValue(forKey: connection) ?? [] } }
}

private func noteSecret(ssl: OpaquePointer?, line: UnsafePointer<CChar>?) {
  // SAFETY: a NUL-terminated line of OpenSSL's, copied here.
  guard let line = unsafe line else { return }
  unsafe Secrets.note(String(cString: line), of: UInt(bitPattern: ssl))
}
