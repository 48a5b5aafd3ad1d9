import CLinux
import Testing
import Wire

@testable import Linux

@Suite struct `The fault behind a failed connection` {
  /// All errors of socket(2), connect(2), epoll_ctl(2) and SO_ERROR of tcp(7), and a few that they don't return.
  @Test func `a local shortage is never blamed on the network or the server`() {
    let ours = [
      EMFILE, ENFILE, ENOSPC, ENOMEM, ENOBUFS, EADDRNOTAVAIL, EADDRINUSE, EAGAIN, EINTR,
    ]
    let network = [
      ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, ENONET, ETIMEDOUT, EACCES, EPERM, EAFNOSUPPORT, EINVAL,
      EPROTONOSUPPORT, ENOPROTOOPT, EBADF, EFAULT, ENOTSOCK, EALREADY, EISCONN, EEXIST, ELOOP, ENOENT, 0, -1, 99_999,
    ]
    let servers = [ECONNREFUSED, ECONNRESET, ECONNABORTED, EPIPE, EPROTO]
    for code in ours { #expect(ConnectFault(errno: code) == .shortage, "\(SystemError.words(for: code))") }
    for code in network { #expect(ConnectFault(errno: code) == .path, "\(SystemError.words(for: code))") }
    for code in servers { #expect(ConnectFault(errno: code) == .server, "\(SystemError.words(for: code))") }
  }

  @Test func `only ICMP about a UDP peer's port or host ends its flow (RFC 1122 §4.1.3.3)`() {
    for isSending in [false, true] {
      for code in [ECONNREFUSED, ENOPROTOOPT] { #expect(DatagramSocket.isOfPeer(code, isSending: isSending)) }
    }
    // When sending, these are about a route of this machine.
    for code in [EHOSTUNREACH, EHOSTDOWN, EACCES] {
      #expect(DatagramSocket.isOfPeer(code, isSending: false) && !DatagramSocket.isOfPeer(code, isSending: true))
    }
    let others = [
      0, EMSGSIZE, EPERM, ENETUNREACH, ENETDOWN, EINVAL, ENOBUFS, ENOMEM, EAGAIN, EADDRNOTAVAIL, EINTR,
    ]
    for code in others { #expect(!DatagramSocket.isOfPeer(code, isSending: false), "\(SystemError.words(for: code))") }
  }

  @Test(.enabled(if: mayMakeNetworks)) func `without a source address the fault is the path's`() throws {
    try inOwnNetwork { _ in
      for address in [IPAddress(v4: 0xc000_0201), IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)] {
        do throws(SystemError) {
          _ = try Socket.connect(to: Endpoint(address: address, port: 443))
          Issue.record("\(address) was connected to")
        } catch {
          #expect(error.connectFault == .path, "\(error)")
        }
      }
    }
  }
}
