import CLinux

extension SystemCallFilter {
  /// Whether this binary was built with a sanitizer, whose run-time library makes further system calls.
  public static var isSanitized: Bool { cl_is_sanitized() == 1 }

  /// Applies the filter permanently to all threads of this process and to all its descendants. Requires
  /// `Privileges.forbidNew`. `logging`: refused calls go to the kernel's audit log; calls that kill always do.
  public func enforce(logging: Bool) throws(SystemError) {
    guard let architecture = Architecture.current else { throw SystemError("seccomp", code: ENOSYS) }
    let program = program(for: architecture).map { instruction in
      // struct sock_filter: code, jt, jf, k, from the lowest byte.
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
  /// Whether the kernel lacks the system call or the feature.
  public var isUnsupported: Bool { [ENOSYS, EOPNOTSUPP, EINVAL].contains(code) }
}
