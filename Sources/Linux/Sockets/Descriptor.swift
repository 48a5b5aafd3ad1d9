import CLinux
import Glibc

/// The owner of a file descriptor: closes it when it goes out of scope.
public struct Descriptor: ~Copyable, Sendable {
  /// The number, valid for as long as the owner lives.
  public let number: Int32

  /// Takes ownership of an open descriptor.
  public init(owning number: Int32) {
    precondition(number >= 0, "not a descriptor")
    self.number = number
  }

  /// Takes ownership of what a system call returned, or says why it failed.
  public init(_ result: Int32, of call: @autoclosure () -> String) throws(SystemError) {
    guard result >= 0 else { throw SystemError(call()) }
    number = result
  }

  deinit { _ = close(number) }

  /// Gives the descriptor up without closing it.
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

/// A descriptor with several owners: closed when the last one lets it go.
public final class SharedDescriptor: Sendable {
  public let descriptor: Descriptor

  public init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
