import CLinux

extension SystemCallFilter {
  /// Whether this binary is built with a sanitizer, whose run-time library makes calls of its own.
  public static var isSanitized: Bool { cl_is_sanitized() == 1 }

  /// Makes every thread of this process obey the filter, for ever, and every process that comes from it. `Privileges`
  /// must have forbidden new ones. `logging`: what is refused is told to the kernel's audit log; what kills always is.
  public func enforce(logging: Bool) throws(SystemError) {
    guard let architecture = Architecture.current else { throw SystemError("seccomp", code: ENOSYS) }
    let program = program(for: architecture).map { instruction in
      // struct sock_filter: code, jt, jf, k from the lowest octet on.
      UInt64(instruction.code) | UInt64(instruction.skipIfTrue) << 16 | UInt64(instruction.skipIfFalse) << 24
        | UInt64(instruction.operand) << 32
    }
    guard let count = UInt16(exactly: program.count) else { throw SystemError("seccomp", code: E2BIG) }
    // SAFETY: the kernel copies `count` instructions of 8 bytes during the call.
    let result = unsafe program.withUnsafeBytes { unsafe cl_filter_calls($0.baseAddress, count, logging ? 1 : 0) }
    guard result == 0 else { throw SystemError("seccomp") }
  }
}

extension SystemError {
  /// The kernel does not know the call, or was built or started without what it is for.
  public var isUnsupported: Bool { [ENOSYS, EOPNOTSUPP, EINVAL].contains(code) }
}
