import COpenSSL
import Wire

/// The SHA-256 digest of a certificate's DER encoding: what pins it. Written as 64 lower-case hexadecimal digits; read
/// in either case, with or without colons.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// Of an `X509`; nil when OpenSSL can't digest it.
  init?(of certificate: OpaquePointer) {
    var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var size: UInt32 = 0
    // SAFETY: `certificate` is a live X509 of the caller's and `bytes` has room for any digest.
    guard unsafe X509_digest(certificate, EVP_sha256(), &bytes, &size) == 1 else {
      ERR_clear_error()
      return nil
    }
    self.bytes = Array(bytes.prefix(Int(size)))
  }

  /// From the digest itself. Throws `.badFingerprint` when it is not 32 bytes.
  public init(digest: [UInt8]) throws(TLSError) {
    guard digest.count == Digest.sha256Size else { throw .badFingerprint("\(digest.count) bytes") }
    bytes = digest
  }

  /// Throws `.badFingerprint` when `text` is anything else.
  public init(_ text: String) throws(TLSError) {
    let digits = text.utf8.filter { $0 != UInt8(ascii: ":") }
    guard let bytes = Hexadecimal.bytes(digits), bytes.count == Digest.sha256Size else { throw .badFingerprint(text) }
    self.bytes = bytes
  }

  public var description: String { Hexadecimal.text(bytes) }
}
