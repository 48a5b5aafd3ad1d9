import Linux
import Synchronization
import Testing
import Wire

/// A writer that copies numbers from the pending list to the written list, and can be blocked.
private final class Copier: Sendable {
  let writer: BackgroundWriter<[Int]>
  private let written = Mutex<[Int]>([])
  private let gate = Mutex(())

  init() throws {
    writer = try BackgroundWriter([])
    try writer.start(name: "copier") { self.run() }
  }

  var numbers: [Int] { written.withLock { $0 } }

  private func run() {
    while true {
      let taken = writer.next { waiting in
        defer { waiting = [] }
        return waiting
      }
      gate.withLock { _ in written.withLock { $0 += taken } }
    }
  }

  func submit(_ number: Int) {
    writer.submit { waiting in
      waiting.append(number)
      return true
    }
  }

  func holdingUp(_ body: () -> Void) { gate.withLock { _ in body() } }
}

@Suite struct `The background writer` {
  @Test func `submitted entries are written once, in each thread's order`() throws {
    let copier = try Copier()
    let even = try Thread(name: "even") { for number in 0..<500 { copier.submit(2 * number) } }
    let odd = try Thread(name: "odd") { for number in 0..<500 { copier.submit(2 * number + 1) } }
    even.join()
    odd.join()
    #expect(copier.writer.flush(until: .distantFuture))
    #expect(copier.numbers.count == 1000)
    for rest in 0..<2 { #expect(copier.numbers.filter { $0 % 2 == rest } == (0..<500).map { 2 * $0 + rest }) }
  }

  @Test func `submitting to a blocked writer does not wait, and a flush ends at its deadline`() throws {
    let copier = try Copier()
    copier.holdingUp {
      copier.submit(1)
      #expect(!copier.writer.flush(until: Clock.monotonic() + .milliseconds(20)))
      copier.submit(2)
      #expect(copier.numbers.isEmpty)
    }
    #expect(copier.writer.flush(until: .distantFuture))
    #expect(copier.numbers == [1, 2])
  }

  @Test func `a change without a wake-up is written with the next one`() throws {
    let copier = try Copier()
    copier.writer.access { $0 = [1] }
    #expect(copier.writer.flush(until: .distantFuture))
    #expect(copier.numbers.isEmpty)
    copier.submit(2)
    #expect(copier.writer.flush(until: .distantFuture))
    #expect(copier.numbers == [1, 2])
  }
}
