import COpenSSL
import Linux

/// PEM text in memory (RFC 7468): certificates and at most one key, possibly with other text between them. Zeroed in
/// `deinit`, since it may contain a key.
struct PEMFile: ~Copyable {
  /// The file's path, or the text's name in messages.
  let origin: String
  private let bytes: SecretBytes

  /// More than any chain needs, so that a log file given by mistake is not read completely.
  static let sizeLimit = 2 << 20

  init(origin: String, copying text: [UInt8]) {
    _ = Library.ready
    self.origin = origin
    bytes = SecretBytes(copying: text)
  }

  /// Reads at most `sizeLimit` bytes of the file.
  init(path: String) throws(TLSError) {
    _ = Library.ready
    origin = path
    do throws(SystemError) { bytes = try SecretBytes(contentsOf: path, limit: Self.sizeLimit) } catch {
      throw .unreadable(path: path, errno: error.code)
    }
  }

  /// All certificates in file order; may be empty.
  func certificates() throws(TLSError) -> [Certificate] {
    let source = unsafe try reader()
    // SAFETY: the BIO is owned here and reads `bytes`, which outlives it.
    defer { _ = unsafe BIO_free(source) }
    var found: [Certificate] = []
    while let certificate = unsafe PEM_read_bio_X509(source, nil, refusePassphrase, nil) {
      unsafe found.append(Certificate(adopting: certificate))
    }
    try requireEnd()
    return found
  }

  /// After the last object was read. The end of the text is reported as "no start line"; any other error is a damaged
  /// object.
  func requireEnd() throws(TLSError) {
    let code = ERR_peek_last_error()
    guard code == 0 || ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE else {
      throw .refused(origin: origin, reason: takeQueuedReason())
    }
    ERR_clear_error()
  }

  /// The first private key.
  func privateKey() throws(TLSError) -> PrivateKey {
    let source = unsafe try reader()
    // SAFETY: the BIO is owned here and reads `bytes`, which outlives it; `asked` outlives the call that it is passed
    // to.
    defer { _ = unsafe BIO_free(source) }
    var asked = false
    if let key = unsafe PEM_read_bio_PrivateKey(source, nil, refusePassphrase, &asked) {
      ERR_clear_error()
      return unsafe PrivateKey(adopting: key)
    }
    let code = ERR_peek_error()
    let missing = code == 0 || ERR_GET_REASON(code) == PEM_R_NO_START_LINE || ERR_GET_REASON(code) == ERR_R_UNSUPPORTED
    let reason = takeQueuedReason()
    if asked { throw .encryptedKey(origin: origin) }
    if missing { throw .noKey(origin: origin) }
    throw .refused(origin: origin, reason: reason)
  }

  /// A BIO of the text, which the caller frees before this value ends.
  func reader() throws(TLSError) -> OpaquePointer {
    // SAFETY: the BIO only borrows the bytes; the callers free it before `self` ends.
    let source = unsafe bytes.withBytes { unsafe BIO_new_mem_buf($0.baseAddress, Int32($0.count)) }
    guard let source = unsafe source else { throw .openssl(doing: "reading \(origin)", reason: takeQueuedReason()) }
    return unsafe source
  }
}

/// The passphrase callback: sets the optional `Bool` and supplies no passphrase. Without the callback OpenSSL would
/// prompt on the terminal.
private func refusePassphrase(
  _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, asked: UnsafeMutableRawPointer?
) -> Int32 {
  // SAFETY: `asked` is null or the address of a `Bool` that outlives the OpenSSL call (`privateKey()`).
  unsafe asked?.assumingMemoryBound(to: Bool.self).pointee = true
  return -1
}
