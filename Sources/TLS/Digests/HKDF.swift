import COpenSSL

/// Keys from a secret: HKDF with SHA-256 and without salt (RFC 5869).
enum HKDF {
  /// `count` bytes for one purpose, the label; at most 8160. Different labels give independent keys.
  static func derive(_ count: Int, from secret: UnsafeRawBufferPointer, label: [UInt8]) -> SecretBytes {
    _ = Library.ready
    let key = SecretBytes(count: count)
    // SAFETY: OpenSSL reads the secret and the label up to their counts, and fills the key; all outlive the call.
    let done = unsafe key.withBytes {
      unsafe belvedere_hkdf_sha256(
        secret.baseAddress, secret.count, label, label.count, $0.baseAddress, $0.count)
    }
    precondition(done == 1, "libcrypto lacks a derivation that every provider has")
    return key
  }
}
