import COpenSSL
import Glibc

/// A PEM text in memory (RFC 7468): certificates and at most one key of interest, with other text between them. Zeroed
/// when dropped, since it may hold a key.
struct PEMFile: ~Copyable {
  /// The file's path, or what to call the text in messages.
  let origin: String
  private let bytes: SecretBytes

  /// Far above any chain; a log file given by mistake must not be read whole.
  static let sizeLimit = 2 << 20

  init(origin: String, copying text: [UInt8]) {
    _ = Library.ready
    self.origin = origin
    bytes = SecretBytes(count: text.count)
    // SAFETY: the buffer was made with as many bytes as the text has.
    unsafe bytes.withBytes { buffer in unsafe buffer.copyBytes(from: text) }
  }

  /// Reads at most `sizeLimit` bytes of the file.
  init(path: String) throws(TLSError) {
    _ = Library.ready
    origin = path
    // SAFETY: the path lives through the call; the descriptor is closed before this returns.
    // Without waiting for somebody to write into a pipe of this name.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(path: path, errno: errno) }
    defer { _ = close(descriptor) }
    let content = SecretBytes(count: Self.sizeLimit)
    var filled = 0
    while filled < content.count {
      let count = unsafe content.withBytes { buffer in
        // SAFETY: `filled` is below the buffer's size; the rest of the buffer is the bound.
        unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(path: path, errno: errno) }
      guard count > 0 else { break }
      filled += count
    }
    guard filled < content.count else { throw .unreadable(path: path, errno: EFBIG) }
    bytes = SecretBytes(count: filled)
    let size = filled
    unsafe content.withBytes { source in
      // SAFETY: `size` bytes were read into `source`, and `bytes` is as large.
      unsafe bytes.withBytes { unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<size])) }
    }
  }

  /// All certificates, in the file's order; empty when there is none.
  func certificates() throws(TLSError) -> [Certificate] {
    let source = unsafe try reader()
    // SAFETY: the BIO is ours and reads `bytes`, which outlives it.
    defer { _ = unsafe BIO_free(source) }
    var found: [Certificate] = []
    while let certificate = unsafe PEM_read_bio_X509(source, nil, refusePassphrase, nil) {
      unsafe found.append(Certificate(adopting: certificate))
    }
    // The end of the text shows as "no start line"; anything else is a damaged certificate.
    let code = ERR_peek_last_error()
    guard code == 0 || ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE else {
      throw .refused(origin: origin, reason: takeQueuedReason())
    }
    ERR_clear_error()
    return found
  }

  /// The first private key.
  func privateKey() throws(TLSError) -> PrivateKey {
    let source = unsafe try reader()
    // SAFETY: the BIO is ours and reads `bytes`, which outlives it; `asked` outlives the call that is given it.
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

  private func reader() throws(TLSError) -> OpaquePointer {
    // SAFETY: the BIO only borrows the bytes; both callers free it before `self` can end.
    let source = unsafe bytes.withBytes { unsafe BIO_new_mem_buf($0.baseAddress, Int32($0.count)) }
    guard let source = unsafe source else { throw .openssl(doing: "reading \(origin)", reason: takeQueuedReason()) }
    return unsafe source
  }
}

/// The passphrase callback: notes in the `Bool` it may be given that a passphrase was wanted, and has none. Without it
/// OpenSSL would ask the terminal.
private func refusePassphrase(
  _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, asked: UnsafeMutableRawPointer?
) -> Int32 {
  // SAFETY: `asked` is null or the address of a `Bool` that outlives the OpenSSL call (`privateKey()`).
  unsafe asked?.assumingMemoryBound(to: Bool.self).pointee = true
  return -1
}
