import Testing
import Wire

@testable import Worker

@Suite struct MemoryReturnTests {
  /// The seconds in which memory is returned, given the number of open connections in each second.
  private func due(_ connections: [Int], most: [Int: Int] = [:]) -> [Int] {
    var decision = MemoryReturn()
    return connections.indices.filter {
      decision.isDue(
        connections: connections[$0], most: most[$0] ?? connections[$0],
        at: Instant(nanoseconds: UInt64($0) * 1_000_000_000))
    }
  }

  @Test func `a crowd between two samples is noticed`() {
    #expect(due(Array(repeating: 0, count: 20), most: [3: 400]) == [8])
  }

  @Test func `memory is returned once, after the crowd has been gone for some seconds`() {
    #expect(due([10, 10_000, 9_000] + Array(repeating: 10, count: 20)) == [8])
  }

  @Test func `memory is kept while a crowd returns`() {
    #expect(due([1000, 10, 10, 10, 900] + Array(repeating: 10, count: 8)) == [10])
  }

  @Test func `a few clients are not a crowd`() {
    #expect(due([MemoryReturn.worthwhile - 1] + Array(repeating: 0, count: 20)).isEmpty)
  }

  @Test func `a crowd of which half remains is not gone`() {
    #expect(due([1000] + Array(repeating: 501, count: 20)).isEmpty)
  }
}
