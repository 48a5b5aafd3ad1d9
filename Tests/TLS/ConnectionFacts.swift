import COpenSSL
import Domain

@testable import TLS

/// What the handshake negotiated. Valid after the handshake.
extension TLSConnection {
  /// True when an earlier session was resumed: no certificate was sent and no full key exchange made.
  var resumed: Bool {
    // SAFETY (all in this file): `ssl` lives as long as `self`; text that OpenSSL lends is copied at once.
    unsafe SSL_session_reused(ssl) == 1
  }

  /// nil before the version is negotiated.
  var protocolVersion: TLSVersion? {
    unsafe TLSVersion(rawValue: UInt16(truncatingIfNeeded: SSL_version(ssl)))
  }

  /// OpenSSL's name of the cipher suite; empty before there is one.
  var cipherName: String {
    guard let cipher = unsafe SSL_get_current_cipher(ssl), let name = unsafe SSL_CIPHER_get_name(cipher) else {
      return ""
    }
    return unsafe String(cString: name)
  }

  /// The name that the client sent (RFC 6066 §3), as it sent it.
  var serverNameIndication: String? {
    unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) }
  }

  /// The protocol negotiated by ALPN (RFC 7301); nil if the client offered none.
  var applicationProtocol: String? {
    var name: UnsafePointer<UInt8>?
    var size: UInt32 = 0
    unsafe SSL_get0_alpn_selected(ssl, &name, &size)
    guard let name = unsafe name else { return nil }
    return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(size)), as: UTF8.self)
  }

  /// The facts of the peer's certificate, also on a resumed connection; nil on the server side.
  var peerCertificate: CertificateFacts? {
    // SAFETY: get0 lends the certificate; it is read within the call.
    unsafe SSL_get0_peer_certificate(ssl).flatMap { unsafe CertificateFacts(reading: $0) }
  }
}
