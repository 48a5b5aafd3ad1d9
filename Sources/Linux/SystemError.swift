import CLinux

/// A failed system call: its name and arguments, and its errno.
public struct SystemError: Error, Hashable, CustomStringConvertible {
  public let call: String
  public let code: Int32

  public init(_ call: String, code: Int32 = cl_errno()) {
    self.call = call
    self.code = code
  }

  /// For example `bind 192.0.2.1:443: Cannot assign requested address (EADDRNOTAVAIL)`.
  public var description: String {
    "\(call): \(Self.words(for: code))"
  }

  /// The errno of a connect to a closed port.
  public static let connectionRefused = ECONNREFUSED

  /// The errno of a call for which this process lacks the right.
  public static let notPermitted = EPERM

  /// The errno of a missing file.
  public static let notFound = ENOENT

  /// The text and the name of an errno value.
  public static func words(for code: Int32) -> String {
    // SAFETY: both functions return static strings or null; the strings are copied here.
    guard let words = unsafe cl_error_words(code), let name = unsafe cl_error_name(code) else { return "error \(code)" }
    return unsafe "\(String(cString: words)) (\(String(cString: name)))"
  }
}

/// Calls `body` again while a signal interrupts it.
public func retryingInterrupts(_ body: () -> Int) -> Int {
  while true {
    let result = body()
    if result >= 0 || cl_errno() != EINTR { return result }
  }
}

/// For calls that return an `int`.
public func retryingInterrupts(_ body: () -> Int32) -> Int32 {
  while true {
    let result = body()
    if result >= 0 || cl_errno() != EINTR { return result }
  }
}
