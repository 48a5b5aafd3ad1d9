import COpenSSL

/// The version of the OpenSSL library that is loaded, as it calls itself: `OpenSSL 3.0.19 …`.
public var opensslVersion: String {
  // SAFETY: a static NUL-terminated string of the library's.
  unsafe String(cString: OpenSSL_version(OPENSSL_VERSION))
}

/// True when OpenSSL keeps the 16 KB blocks of its records in a per-thread cache; false when somebody in this process
/// used OpenSSL before us, which costs speed and nothing else.
public var opensslUsesBlockCache: Bool { Library.ready }

/// Reads OpenSSL's configuration file and loads the providers that it names, unless that has been done: before a process
/// gives up the rights that this needs.
public func prepareOpenSSL() { _ = Library.ready }

/// What has to be done once, before anything else of OpenSSL. Every type here that makes an OpenSSL object asks
/// `Library.ready` first.
enum Library {
  /// True when the per-thread block cache serves OpenSSL.
  static let ready: Bool = {
    let cached = belvedere_install_block_cache() == 1
    // The system's configuration file is read: it carries the distribution's policy and FIPS mode. Nothing is cleaned up
    // at exit: a thread of ours may be on its way out still, and free the same things.
    _ = OPENSSL_init_ssl(UInt64(OPENSSL_INIT_LOAD_CONFIG) | UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
    return cached
  }()
}

/// The reason of an OpenSSL error code in OpenSSL's words.
func reasonWords(_ code: UInt) -> String {
  // SAFETY: a static string, or null for a code without words.
  guard let words = unsafe ERR_reason_error_string(code) else { return "OpenSSL error \(String(code, radix: 16))" }
  return unsafe String(cString: words)
}

/// The first reason in this thread's error queue; empties the queue.
func takeQueuedReason() -> String {
  let code = ERR_peek_error()
  ERR_clear_error()
  return code == 0 ? "no reason given" : reasonWords(code)
}
