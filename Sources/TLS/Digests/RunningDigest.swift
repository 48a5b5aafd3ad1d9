import COpenSSL

/// The SHA-256 (FIPS 180-4) of bytes that come in pieces: the owner of an `EVP_MD_CTX`.
@safe public struct RunningDigest: ~Copyable {
  private let context: OpaquePointer

  /// Of no bytes yet. Throws when OpenSSL has no memory.
  public init() throws(TLSError) {
    _ = Library.ready
    // SAFETY: a fresh context, freed in `deinit`, or here when it can't be used.
    guard let made = unsafe EVP_MD_CTX_new() else { throw Self.failed() }
    guard unsafe EVP_DigestInit_ex(made, EVP_sha256(), nil) == 1 else {
      unsafe EVP_MD_CTX_free(made)
      throw Self.failed()
    }
    unsafe context = made
  }

  deinit {
    // SAFETY: this value's alone.
    unsafe EVP_MD_CTX_free(context)
  }

  /// Takes the next bytes.
  public mutating func update(_ bytes: Span<UInt8>) {
    // SAFETY: OpenSSL reads no more than the span has; the span outlives the call.
    let done = unsafe bytes.withUnsafeBufferPointer { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    precondition(done == 1, "a digest in progress can't fail")
  }

  /// The digest of all bytes: 32 bytes.
  public consuming func finish() -> [UInt8] {
    var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var size: UInt32 = 0
    // SAFETY: `result` has room for any digest.
    let done = unsafe EVP_DigestFinal_ex(context, &result, &size)
    precondition(done == 1, "a digest in progress can't fail")
    return Array(result.prefix(Int(size)))
  }

  private static func failed() -> TLSError { .openssl(doing: "beginning a digest", reason: takeQueuedReason()) }
}
