import COpenSSL
import Domain

/// One X.509 certificate: the owner of an `X509`. Immutable, so every thread may use it; OpenSSL counts the references
/// that contexts and connections hold of their own.
@safe final class Certificate: @unchecked Sendable {
  /// An `X509`, live as long as this object.
  let x509: OpaquePointer

  /// Takes over the caller's reference.
  init(adopting x509: OpaquePointer) {
    // SAFETY: the caller gives up its reference, which `deinit` frees.
    unsafe self.x509 = x509
  }

  deinit {
    // SAFETY: the reference that `init` took over.
    unsafe X509_free(x509)
  }

  /// True when `key` is the private half of the key in here.
  func belongs(to key: PrivateKey) -> Bool {
    // SAFETY: both are live as long as their owners.
    let matches = unsafe X509_check_private_key(x509, key.key) == 1
    ERR_clear_error()
    return matches
  }
}

/// One private key: the owner of an `EVP_PKEY`. Immutable.
@safe final class PrivateKey: @unchecked Sendable {
  /// An `EVP_PKEY`, live as long as this object.
  let key: OpaquePointer

  /// Takes over the caller's reference.
  init(adopting key: OpaquePointer) {
    // SAFETY: the caller gives up its reference, which `deinit` frees.
    unsafe self.key = key
  }

  deinit {
    // SAFETY: the reference that `init` took over. OpenSSL zeroes the key with the last one.
    unsafe EVP_PKEY_free(key)
  }

  /// nil for a kind of key that no server should have.
  var type: CertificatePair.KeyType? {
    // SAFETY: live as long as `self`.
    switch unsafe EVP_PKEY_get_base_id(key) {
    case EVP_PKEY_RSA: .rsa
    case EVP_PKEY_EC: .ecdsa
    case EVP_PKEY_ED25519: .ed25519
    default: nil
    }
  }
}

extension Fingerprint {
  /// Of an `X509`; nil when OpenSSL can't digest it.
  init?(of certificate: OpaquePointer) {
    var bytes = [UInt8](repeating: 0, count: Digest.sha256Size)
    // SAFETY: `certificate` is a live X509 of the caller's and `bytes` has room for the digest.
    guard unsafe X509_digest(certificate, EVP_sha256(), &bytes, nil) == 1 else {
      ERR_clear_error()
      return nil
    }
    self.init(bytes: bytes)
  }
}
