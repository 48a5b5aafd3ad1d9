import COpenSSL

/// What a complete handshake has agreed on, for people.
public struct HandshakeParameters: Hashable, Sendable {
  /// `TLSv1.3`
  public let version: String
  /// As OpenSSL and the access logs of other balancers name it.
  public let cipher: String
  /// Of the key exchange; nil where there was none.
  public let group: String?
  /// The name that the client has asked for.
  public let serverName: String?
  /// Whether an earlier session was resumed.
  public let isResumed: Bool
}

extension TLSConnection {
  /// Nil before the handshake is complete.
  public var parameters: HandshakeParameters? {
    // SAFETY: `ssl` is valid as long as `self`; the texts are NUL-terminated and copied here.
    guard unsafe SSL_is_init_finished(ssl) == 1 else { return nil }
    let version = unsafe String(cString: SSL_get_version(ssl))
    let cipher = unsafe SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { unsafe String(cString: $0) }
    let group = unsafe belvedere_negotiated_group(ssl).map { unsafe String(cString: $0) }
    let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) }
    return HandshakeParameters(
      version: version, cipher: cipher ?? "none", group: group, serverName: name, isResumed: isResumed)
  }
}
