import Configuration
import Doctor
import Linux
import Synchronization
import Wire

/// Asks all servers, some at the same time: one that is dead takes seconds, and there may be hundreds.
final class ServerTour: Sendable {
  /// How many are asked at once.
  private static let simultaneous = 32
  /// After this time no further server is asked.
  private static let longest = Interval.seconds(60)

  private struct Progress {
    var next = 0
    /// In the order of the visits.
    var facts: [ServerFacts]
  }

  private let visits: [ServerVisit]
  private let progress: Mutex<Progress>

  /// `absent`: full names of servers that are not asked, because they are in maintenance.
  init(of configuration: Configuration, without absent: Set<String>) {
    var visits: [ServerVisit] = []
    var facts: [ServerFacts] = []
    for service in configuration.services {
      for server in service.servers {
        let visit = ServerVisit(server, of: service)
        visits.append(visit)
        facts.append(visit.unasked(absent.contains(server.fullName) ? .inMaintenance : .tooLate))
      }
    }
    self.visits = visits
    progress = Mutex(Progress(facts: facts))
  }

  /// Returns when every server that was asked has answered or its time is over.
  func facts() -> [ServerFacts] {
    let deadline = Clock.monotonic() + Self.longest
    let others = (1..<max(1, min(Self.simultaneous, visits.count))).map { _ in RunningThread(self, until: deadline) }
    visitServers(until: deadline)
    for thread in others { thread.end() }
    return progress.withLock { $0.facts }
  }

  fileprivate func visitServers(until deadline: Instant) {
    while Clock.monotonic() < deadline, let index = takeNext() {
      let found = visits[index].facts()
      progress.withLock { $0.facts[index] = found }
    }
  }

  private func takeNext() -> Int? {
    progress.withLock { progress in
      while progress.next < progress.facts.count, progress.facts[progress.next].visit == .inMaintenance {
        progress.next += 1
      }
      guard progress.next < progress.facts.count else { return nil }
      defer { progress.next += 1 }
      return progress.next
    }
  }
}

/// A thread in an array, which holds no values that can't be copied.
private final class RunningThread {
  /// Nil when the system has no more threads: the others do its work.
  private var thread: Thread?

  init(_ tour: ServerTour, until deadline: Instant) {
    thread = try? Thread(name: "servers") { tour.visitServers(until: deadline) }
  }

  /// Waits for its end.
  func end() {
    guard let thread = thread.take() else { return }
    thread.join()
  }
}
