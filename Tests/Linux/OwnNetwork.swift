import CLinux
import Glibc
import Testing

@testable import Linux

/// Runs `body` on a thread in its own network namespace, which has a loopback interface that is up, and no other.
func inOwnNetwork(_ body: @escaping @Sendable (_ loopback: Int32) throws -> Void) throws {
  nonisolated(unsafe) var outcome: Result<Void, any Error> = .success(())
  let thread = try Thread(name: "network") {
    // SAFETY: read only after the thread has been joined.
    unsafe outcome = Result {
      guard unshare(CLONE_NEWNET) == 0 else { throw SystemError("unshare") }
      var routes = try AddressSocket()
      let loopback = try #require(try routes.interfaces().first { $0.name == "lo" })
      try body(loopback.index)
    }
  }
  thread.join()
  try unsafe outcome.get()
}

let mayMakeNetworks = geteuid() == 0
