import Glibc
import Testing
import Wire

@testable import Linux

@Suite struct `A local socket` {
  @Test func `is connected to within the time-out although the backlog is full`() throws {
    let path = "@belvedere-test-\(getpid())"
    let listener = try LocalSocket.listen(at: path)
    var waiting: [Int32] = []
    defer { for number in waiting { close(number) } }
    while let next = try? LocalSocket.connect(to: path) { waiting.append(next.relinquish()) }
    let refused = #expect(throws: SystemError.self) {
      _ = try LocalSocket.connect(to: path, within: .milliseconds(30)).number
    }
    #expect(refused?.code == EAGAIN)
    #expect(listener.number >= 0)
  }
}
