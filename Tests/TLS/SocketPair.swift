import Glibc
import Linux

/// Two connected stream sockets of this process, non-blocking.
struct SocketPair: ~Copyable {
  let left: Int32
  let right: Int32

  /// `buffer`: bytes of send buffer asked for on each side; 0 leaves the system's.
  init(buffer: Int32 = 0) {
    var pair: [Int32] = [-1, -1]
    let made = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair)
    precondition(made == 0)
    left = pair[0]
    right = pair[1]
    guard buffer > 0 else { return }
    for descriptor in pair {
      var size = buffer
      let length = socklen_t(MemoryLayout<Int32>.size)
      precondition(unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, length) == 0)
    }
  }

  deinit {
    close(left)
    close(right)
  }
}

/// The events that epoll would report for the descriptor now.
func readiness(of descriptor: Int32) -> Readiness {
  var entry = pollfd(fd: descriptor, events: Int16(POLLIN | POLLOUT | 0x2000), revents: 0)
  _ = unsafe poll(&entry, 1, 0)
  // poll's bits are epoll's (EPOLLRDHUP is 0x2000).
  return Readiness(events: UInt32(UInt16(bitPattern: entry.revents)))
}

/// Sends bytes on the socket, bypassing TLS.
func sendRaw(_ bytes: [UInt8], to descriptor: Int32) {
  let sent = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  precondition(sent == bytes.count)
}

/// All bytes pending in the socket, bypassing TLS.
func receiveRaw(from descriptor: Int32) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
  return Array(bytes.prefix(max(0, count)))
}
