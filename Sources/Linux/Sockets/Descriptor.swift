import CLinux
import Glibc

/// The owner of a file descriptor, which closes it in `deinit`.
public struct Descriptor: ~Copyable, Sendable {
  /// The descriptor number, valid while the owner exists.
  public let number: Int32

  /// Takes ownership of an open descriptor.
  public init(owning number: Int32) {
    precondition(number >= 0, "not a descriptor")
    self.number = number
  }

  /// Takes ownership of a system call's result, or throws its errno.
  public init(_ result: Int32, of call: @autoclosure () -> String) throws(SystemError) {
    guard result >= 0 else { throw SystemError(call()) }
    number = result
  }

  deinit { _ = close(number) }

  /// Releases the descriptor without closing it.
  public consuming func relinquish() -> Int32 {
    let number = self.number
    discard self
    return number
  }

  /// A second descriptor of the same open file, closed on exec.
  public func duplicate() throws(SystemError) -> Descriptor {
    try Descriptor(fcntl(number, F_DUPFD_CLOEXEC, 0), of: "fcntl F_DUPFD_CLOEXEC")
  }
}

/// A descriptor with several owners, closed by the last.
public final class SharedDescriptor: Sendable {
  public let descriptor: Descriptor

  public init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
