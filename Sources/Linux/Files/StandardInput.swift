import CLinux
import Glibc

/// What a person types, or a script sends.
public enum StandardInput {
  public static var isTerminal: Bool { isatty(0) == 1 }

  /// A descriptor of its own for standard input, or for /dev/null when that is closed. Ask first of all: a closed
  /// standard input's number is the next that is given away.
  public static func open() throws(SystemError) -> Descriptor {
    let number = fcntl(0, F_DUPFD_CLOEXEC, 0)
    if number >= 0 { return Descriptor(owning: number) }
    // SAFETY: the path is a C string for the length of the call.
    return try Descriptor(unsafe Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC), of: "open /dev/null")
  }

  /// What there is, up to the room in `output`; waits when there is nothing, so ask the poller first.
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
