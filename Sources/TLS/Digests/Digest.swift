import COpenSSL

/// Message digests and their text forms, outside the hot path.
public enum Digest {
  /// The size of a SHA-256 digest.
  public static let sha256Size = 32

  /// SHA-256 (FIPS 180-4) of the bytes: 32 bytes.
  public static func sha256(_ bytes: [UInt8]) -> [UInt8] { digest("SHA256", of: bytes) }

  /// HMAC-SHA256 (RFC 2104) of a message: 32 bytes.
  public static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    _ = Library.ready
    var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var size = 0
    // SAFETY: `result` has room for any digest; OpenSSL reads the two arrays up to their counts.
    let made = unsafe EVP_Q_mac(
      nil, "HMAC", nil, "SHA256", nil, key, key.count, message, message.count, &result, result.count, &size)
    precondition(unsafe made != nil, "libcrypto lacks a digest that every provider has")
    return Array(result.prefix(size))
  }

  /// SHA-1 of the bytes in Base64, for the WebSocket handshake (RFC 6455 §4.2.2). Not collision-resistant.
  public static func sha1Base64(_ bytes: [UInt8]) -> String { base64(digest("SHA1", of: bytes)) }

  /// Base64 with padding (RFC 4648 §4).
  public static func base64(_ bytes: [UInt8]) -> String {
    // Four characters for three bytes, plus the NUL that EVP_EncodeBlock writes.
    var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    // SAFETY: `text` has room for the encoding and its NUL; both arrays are valid for the call.
    let count = unsafe EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
    return String(decoding: text.prefix(Int(count)), as: UTF8.self)
  }

  private static func digest(_ name: String, of bytes: [UInt8]) -> [UInt8] {
    _ = Library.ready
    var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var size = 0
    // SAFETY: `result` has room for any digest, and all are valid for the call.
    let done = unsafe EVP_Q_digest(nil, name, nil, bytes, bytes.count, &result, &size)
    precondition(done == 1, "libcrypto lacks a digest that every provider has")
    return Array(result.prefix(size))
  }
}

/// Bytes from the system's cryptographic random generator.
public enum RandomBytes {
  /// `count` unpredictable bytes.
  public static func make(_ count: Int) throws(TLSError) -> [UInt8] {
    _ = Library.ready
    var bytes = [UInt8](repeating: 0, count: count)
    // SAFETY: `bytes` holds `count` bytes and is valid for the call.
    guard unsafe RAND_bytes(&bytes, Int32(count)) == 1 else {
      throw .openssl(doing: "making random bytes", reason: takeQueuedReason())
    }
    return bytes
  }
}

extension RandomBytes {
  /// One unpredictable word.
  public static func makeWord() throws(TLSError) -> UInt64 {
    try make(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
