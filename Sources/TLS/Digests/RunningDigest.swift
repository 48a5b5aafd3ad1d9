import COpenSSL

/// An incremental SHA-256 (FIPS 180-4): the owner of an `EVP_MD_CTX`.
@safe public struct RunningDigest: ~Copyable {
  private let context: OpaquePointer

  /// Starts empty. Throws when OpenSSL is out of memory.
  public init() throws(TLSError) {
    _ = Library.ready
    // SAFETY: a new context, freed in `deinit`, or here when it can't be used.
    guard let made = unsafe EVP_MD_CTX_new() else { throw Self.failed() }
    guard unsafe EVP_DigestInit_ex(made, EVP_sha256(), nil) == 1 else {
      unsafe EVP_MD_CTX_free(made)
      throw Self.failed()
    }
    unsafe context = made
  }

  deinit {
    // SAFETY: owned by this value.
    unsafe EVP_MD_CTX_free(context)
  }

  /// Adds the next bytes.
  public mutating func update(_ bytes: Span<UInt8>) {
    // SAFETY: OpenSSL reads no more than the span has; the span outlives the call.
    let done = unsafe bytes.withUnsafeBufferPointer { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    precondition(done == 1, "a digest in progress can't fail")
  }

  /// Returns the digest of all bytes: 32 bytes.
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
