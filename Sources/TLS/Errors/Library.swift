import COpenSSL

/// The version of the loaded OpenSSL library: `OpenSSL 3.0.19 …`.
public var opensslVersion: String {
  // SAFETY: a static NUL-terminated string in the library.
  unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))
}

/// Whether OpenSSL keeps its 16 KB record buffers in a per-thread cache; false when other code in this process used
/// OpenSSL earlier, which only costs speed.
public var opensslUsesBlockCache: Bool { Library.ready }

/// Reads OpenSSL's configuration file and loads its providers, unless already done. Must run before the process drops
/// the privileges that this needs.
public func prepareOpenSSL() { _ = Library.ready }

/// OpenSSL's initialisation. Every type that creates an OpenSSL object uses `Library.ready` first.
enum Library {
  /// Whether the per-thread block cache is in use.
  static let ready: Bool = {
    let cached = belvedere_install_block_cache() == 1
    // The system's configuration file is loaded: it contains the distribution's policy and FIPS mode. There is no
    // cleanup at exit, since a thread that is still ending may free the same objects.
    _ = OPENSSL_init_ssl(UInt64(OPENSSL_INIT_LOAD_CONFIG) | UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
    return cached
  }()
}

/// OpenSSL's text for an error code.
func reasonWords(_ code: UInt) -> String {
  // The first text allocates all of them.
  _ = Library.ready
  // SAFETY: a static string, or null for a code without text.
  guard let words = unsafe ERR_reason_error_string(code) else { return "OpenSSL error \(String(code, radix: 16))" }
  return unsafe String(cString: words)
}

/// The reason of the first error in this thread's queue; empties the queue.
func takeQueuedReason() -> String {
  let code = ERR_peek_error()
  ERR_clear_error()
  return code == 0 ? "no reason given" : reasonWords(code)
}
