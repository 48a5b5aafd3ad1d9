import CLinux
import Glibc

/// Input from a person or a script.
public enum StandardInput {
  public static var isTerminal: Bool { isatty(0) == 1 }

  /// A duplicate of standard input, or /dev/null when that is closed. Call it first: the number of a closed standard
  /// input would be reused by the next descriptor.
  public static func open() throws(SystemError) -> Descriptor {
    let number = fcntl(0, F_DUPFD_CLOEXEC, 0)
    if number >= 0 { return Descriptor(owning: number) }
    // SAFETY: the path is a C string for the length of the call.
    return try Descriptor(unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC), of: "open /dev/null")
  }

  /// Reads what is available, up to the room in `output`; blocks when there is nothing, so poll first.
  public static func read(_ input: borrowing Descriptor, into output: inout OutputSpan<UInt8>) -> ReadResult {
    let number = input.number
    return unsafe output.withUnsafeMutableBufferPointer { buffer, initialized in
      // SAFETY: the free room of the output span starts at `initialized` and is `buffer.count - initialized` long.
      let room = buffer.count - initialized
      let count = retryingInterrupts {
        unsafe Glibc.read(number, buffer.baseAddress.map { unsafe $0 + initialized }, room)
      }
      if count > 0 {
        initialized += count
        return .bytes(count)
      }
      return count == 0 ? .closed : .failed(cl_errno())
    }
  }
}
