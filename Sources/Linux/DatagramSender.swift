import CLinux
import Glibc

/// Sends datagrams to a local socket (unix(7)) that may come, go and be made anew: a log daemon's. It is connected to
/// when there is something to send, and again when whoever listened there has gone.
package struct DatagramSender: ~Copyable {
  /// Where the receiver listens.
  package let path: String
  private var socket: Descriptor?

  package init(path: String) { self.path = path }

  /// Sends one datagram, waiting for a receiver that is slow; false when there is none, or it does not take this one.
  package mutating func send(_ bytes: Span<UInt8>) -> Bool {
    // The first attempt may find that the receiver is another one by now.
    for _ in 0..<2 {
      switch attempt(bytes) {
      case nil: return true
      case EMSGSIZE: return false
      default: socket = nil
      }
    }
    return false
  }

  /// Nil, or the error's number.
  private mutating func attempt(_ bytes: Span<UInt8>) -> Int32? {
    if socket == nil {
      // SAFETY: path and count belong together and live during the call.
      let number = unsafe path.withCString { unsafe cl_local_connect_datagrams($0, path.utf8.count) }
      guard number >= 0 else { return cl_errno() }
      socket = Descriptor(owning: number)
    }
    guard let number = socket?.number else { return EBADF }
    // SAFETY: the kernel reads the span's bytes during the call only.
    let count = unsafe bytes.withUnsafeBufferPointer { buffer in
      retryingInterrupts { unsafe Glibc.send(number, buffer.baseAddress, buffer.count, 0) }
    }
    return count < 0 ? cl_errno() : nil
  }
}
