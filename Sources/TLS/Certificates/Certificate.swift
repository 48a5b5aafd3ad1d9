import COpenSSL
import Domain

/// One X.509 certificate: the owner of an `X509`. Immutable, so all threads can use it; contexts and connections hold
/// their own references.
@safe final class Certificate: @unchecked Sendable {
  /// An `X509`, valid as long as this object.
  let x509: OpaquePointer

  /// Takes ownership of the caller's reference.
  init(adopting x509: OpaquePointer) {
    // SAFETY: the caller gives up its reference, which `deinit` frees.
    unsafe self.x509 = x509
  }

  deinit {
    // SAFETY: the reference that `init` took over.
    unsafe X509_free(x509)
  }

  /// Whether `key` is the private key of this certificate.
  func belongs(to key: PrivateKey) -> Bool {
    // SAFETY: both are valid as long as their owners.
    let matches = unsafe X509_check_private_key(x509, key.key) == 1
    ERR_clear_error()
    return matches
  }
}

/// One private key: the owner of an `EVP_PKEY`. Immutable.
@safe final class PrivateKey: @unchecked Sendable {
  /// An `EVP_PKEY`, valid as long as this object.
  let key: OpaquePointer

  /// Takes ownership of the caller's reference.
  init(adopting key: OpaquePointer) {
    // SAFETY: the caller gives up its reference, which `deinit` frees.
    unsafe self.key = key
  }

  deinit {
    // SAFETY: the reference that `init` took over. OpenSSL zeroes the key when the last one is freed.
    unsafe EVP_PKEY_free(key)
  }

  /// The key's algorithm; nil when it is not supported for servers.
  var type: CertificatePair.KeyType? {
    // SAFETY: valid as long as `self`.
    switch unsafe EVP_PKEY_get_base_id(key) {
    case EVP_PKEY_RSA: .rsa
    case EVP_PKEY_EC: .ecdsa
    case EVP_PKEY_ED25519: .ed25519
    default: nil
    }
  }
}

extension Fingerprint {
  /// The fingerprint of an `X509`; nil when OpenSSL can't compute it.
  init?(of certificate: OpaquePointer) {
    var bytes = [UInt8](repeating: 0, count: Digest.sha256Size)
    // SAFETY: the caller's `certificate` is a valid X509, and `bytes` has room for the digest.
    guard unsafe X509_digest(certificate, EVP_sha256(), &bytes, nil) == 1 else {
      ERR_clear_error()
      return nil
    }
    self.init(bytes: bytes)
  }
}
