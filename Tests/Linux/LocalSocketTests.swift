import Dispatch
import Foundation
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

  /// The mode of new files is a property of the process.
  @Test func `changes no mode of what other threads create meanwhile`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "belvedere-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    DispatchQueue.concurrentPerform(iterations: 2) { side in
      for number in 0..<500 {
        if side == 0 {
          _ = try? LocalSocket.listen(at: folder.appending(path: "s\(number)").path).number
        } else {
          try? FileManager.default.createDirectory(
            at: folder.appending(path: "d\(number)"), withIntermediateDirectories: false)
        }
      }
    }
    let modes = try (0..<500).map { number in
      let path = folder.appending(path: "d\(number)").path
      return try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    #expect(Set(modes).count == 1, "\(Set(modes))")
  }
}
