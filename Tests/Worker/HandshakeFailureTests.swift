import Balancing
import Glibc
import Testing

@testable import TLS
@testable import Worker

@Suite struct `A failed handshake with a server` {
  @Test(arguments: [TLSFailure(errno: ENOMEM), TLSFailure(errno: ENOBUFS), TLSFailure(system: "malloc failure")])
  func `is not counted against it if this machine lacks a resource`(failure: TLSFailure) {
    #expect(CheckResult(of: failure) == .inconclusive)
    guard case .short = ServerConnection.Progress(of: failure) else {
      Issue.record("the server is to blame")
      return
    }
  }

  @Test(arguments: [TLSFailure(errno: ECONNRESET), TLSFailure(errno: EPIPE), TLSFailure(peer: "an alert")])
  func `is counted against it if the server closed the connection`(failure: TLSFailure) {
    #expect(CheckResult(of: failure) == .failed(.handshake))
    guard case .failed = ServerConnection.Progress(of: failure) else {
      Issue.record("the server is not to blame")
      return
    }
  }
}
