/// A processor architecture with its system call numbers. Both are little-endian.
public enum Architecture: CaseIterable, Sendable {
  case x86_64
  case aarch64

  /// The architecture of this binary; nil when unsupported, where no filter can be built.
  public static var current: Architecture? {
    #if arch(x86_64)
      .x86_64
    #elseif arch(arm64)
      .aarch64
    #else
      nil
    #endif
  }

  /// The value in `seccomp_data` (AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64).
  var auditValue: UInt32 {
    switch self {
    case .x86_64: 0xc000_003e
    case .aarch64: 0xc000_00b7
    }
  }
}

/// A system call: its name and its number on each architecture.
public struct SystemCall: Hashable, Sendable {
  public let name: String
  private let x86_64: UInt32?
  private let aarch64: UInt32?

  init(_ name: String, _ x86_64: UInt32?, _ aarch64: UInt32?) {
    self.name = name
    self.x86_64 = x86_64
    self.aarch64 = aarch64
  }

  /// Nil when the architecture does not have this call.
  public func number(on architecture: Architecture) -> UInt32? {
    switch architecture {
    case .x86_64: x86_64
    case .aarch64: aarch64
    }
  }
}
