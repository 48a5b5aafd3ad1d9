import Control
import Domain
import Foundation
import Linux
import Testing
import Wire

@testable import Supervisor

/// Running traces, with the processes that get their events.
private struct TraceReaders: ~Copyable {
  private let poller: Poller
  private let listener: Descriptor
  private let path: String
  private var processes: [SharedDescriptor] = []
  var sessions = TraceSessions()

  init() throws {
    let path = "@belvedere-test-\(UUID().uuidString)"
    let poller = try Poller()
    let listener = try LocalSocket.listen(at: path)
    self.path = path
    self.poller = poller
    self.listener = listener
  }

  /// Begins a trace of ten seconds and returns its number, which is one more than the index of its process.
  mutating func begin(of subject: TraceSubject = .name("view.test"), hasSecrets: Bool = false) throws -> UInt32 {
    processes.append(SharedDescriptor(try LocalSocket.connect(to: path)))
    guard let socket = try LocalSocket.accept(from: listener) else { throw SystemError("accept", code: 11) }
    return try sessions.begin(
      subject, hasSecrets: hasSecrets, .seconds(10), for: "pid 7, uid 0", socket, node: "lb1", poller,
      at: start
    ).number
  }

  /// What a process has got since the previous call.
  mutating func read(_ number: UInt32, at now: Instant) -> [UInt8] {
    _ = sessions.proceed(at: now)
    guard case .bytes(let bytes) = LocalSocket.receive(from: processes[Int(number) - 1].descriptor, limit: 1 << 20)
    else { return [] }
    return bytes
  }

  mutating func text(_ number: UInt32, at now: Instant) -> String {
    String(decoding: read(number, at: now), as: UTF8.self)
  }

  /// Sends more than a turn could read.
  func send(_ number: UInt32) {
    _ = Socket.write(processes[Int(number) - 1].descriptor.number, [UInt8](repeating: 10, count: 100_000).span)
  }

  mutating func endProcesses() { processes = [] }
}

private let start = Instant(nanoseconds: 1_000_000_000)

private func event(_ kind: TraceEvent.Kind, _ text: String, _ key: TraceEvent.Key = .reason) -> TraceEvent {
  TraceEvent(kind, at: WallTime(milliseconds: 7), [TraceEvent.Fact(key, .text(text))])
}

@Suite struct `Running traces` {
  @Test func `an event reaches the process of its trace and no other, until the time is over`() throws {
    var readers = try TraceReaders()
    let (first, second) = (try readers.begin(), try readers.begin())
    let isTaken = readers.sessions.take(event(.closed, "by the client"), of: first)
    let (mine, others) = (readers.text(first, at: start), readers.text(second, at: start))
    #expect(isTaken && mine.hasPrefix(#"{"node":"lb1""#) && mine.contains("by the client"))
    #expect(!others.contains("by the client"))
    let ended = readers.sessions.proceed(at: start + .seconds(10)).map(\.reason)
    #expect(ended == ["its time is over", "its time is over"])
    let last = readers.text(first, at: start + .seconds(10))
    #expect(last.hasSuffix("the time is over") && readers.sessions.deadline == nil)
    // The worker may not have noticed the end.
    let isIgnored = readers.sessions.take(event(.closed, "late"), of: first)
    #expect(isIgnored)
  }

  @Test func `what no trace can have is refused: another number, secrets that are not wanted, our own events`() throws {
    var readers = try TraceReaders()
    let isKnown = readers.sessions.take(event(.closed, ""), of: 1)
    #expect(!isKnown)
    let (plain, secret) = (try readers.begin(), try readers.begin(hasSecrets: true))
    let events: [(TraceEvent, UInt32, Bool)] = [
      (event(.closed, ""), 0, false), (event(.closed, ""), secret + 1, false), (event(.workerEnded, ""), plain, false),
      (event(.ended, ""), plain, false),
      (event(.secrets, "CLIENT_RANDOM", .secrets), plain, false), (event(.closed, "A", .secrets), secret, false),
      (event(.secrets, ""), secret, false), (event(.secrets, "CLIENT_RANDOM", .secrets), secret, true),
    ]
    for (event, number, isMeant) in events {
      let isTaken = readers.sessions.take(event, of: number)
      #expect(isTaken == isMeant, "\(event) of \(number)")
    }
  }

  @Test func `there is room again when a process has ended, and a new worker goes on with the rest`() throws {
    var readers = try TraceReaders()
    for _ in 0..<TraceOrder.limit { _ = try readers.begin() }
    #expect(!readers.sessions.hasRoom)
    let rest = readers.sessions.orders(at: start + .seconds(4))
    #expect(rest.map(\.number) == [1, 2, 3, 4] && rest.allSatisfy { $0.duration == .seconds(6) })
    readers.endProcesses()
    let ended = readers.sessions.proceed(at: start).map(\.reason)
    #expect(ended == Array(repeating: "the command has ended", count: 4) && readers.sessions.hasRoom)
    #expect(readers.sessions.orders(at: start).isEmpty)
  }

  @Test func `a process that sends something ends its trace, however much it is`() throws {
    var readers = try TraceReaders()
    let (first, second) = (try readers.begin(), try readers.begin())
    readers.send(first)
    #expect(readers.sessions.proceed(at: start).map(\.reason) == ["the command has sent something"])
    #expect(readers.sessions.orders(at: start).map(\.number) == [second])
  }

  @Test func `a worker's secrets are bounded, and the rest is counted at the end`() throws {
    var readers = try TraceReaders()
    let number = try readers.begin(hasSecrets: true)
    let secret = TraceEvent(
      .secrets, at: WallTime(milliseconds: 7),
      [
        TraceEvent.Fact(.client, .text("192.0.2.7:50312")),
        TraceEvent.Fact(.secrets, .text(String(repeating: "A", count: 3000))),
      ])
    var received = 0
    for _ in 0..<2 * TraceSession.secretLimit / 3000 {
      let isTaken = readers.sessions.take(secret, of: number)
      #expect(isTaken)
      received += readers.read(number, at: start).count
    }
    #expect(received < TraceSession.secretLimit * 5 / 4)
    let ended = readers.sessions.proceed(at: start + .seconds(10)).map(\.session.givenWords)
    #expect(ended == ["the TLS secrets of 1 connection were given"])
    var frames = StreamFrames()
    frames.append(readers.read(number, at: start + .seconds(10)))
    guard case .data(let bytes)? = frames.next() else { throw SystemError("no frame", code: 1) }
    #expect(bytes.first == TraceEvent.Kind.lost.rawValue)
    #expect(frames.next() == .end(reason: "the time is over"))
  }

  @Test func `a report has the running traces, without a cookie's value`() throws {
    var readers = try TraceReaders()
    _ = try readers.begin(hasSecrets: true)
    _ = try readers.begin(of: .cookie("5F2C"))
    let traces = readers.sessions.reported(at: start + .milliseconds(2500))
    #expect(traces.map(\.subject) == ["clients of view.test", "the client with a session cookie"])
    #expect(traces.map(\.secondsLeft) == [7, 7] && traces.map(\.hasSecrets) == [true, false])
    #expect(traces.allSatisfy { $0.requester == "pid 7, uid 0" })
    _ = readers.sessions.proceed(at: start + .seconds(10))
    #expect(readers.sessions.reported(at: start + .seconds(10)).isEmpty)
  }

  @Test func `the end of the service ends the traces, after what is queued`() throws {
    var readers = try TraceReaders()
    let number = try readers.begin()
    _ = readers.sessions.take(event(.closed, "the service stops"), of: number)
    let ended = readers.sessions.endAll(at: start)
    #expect(ended.map(\.session.order.number) == [number] && ended.map(\.reason) == ["the service stops"])
    let text = readers.text(number, at: start)
    #expect(text.contains("the service stops") && readers.sessions.deadline == nil)
    // One whose time is over in the last turn.
    _ = try readers.begin()
    let last = readers.sessions.endAll(at: start + .seconds(10)).map(\.reason)
    #expect(last == ["its time is over"])
  }

  @Test func `the names of clients beside secrets are bounded, too`() throws {
    var readers = try TraceReaders()
    let number = try readers.begin(hasSecrets: true)
    let limit = TraceSession.secretLimit / 384
    for index in 0..<2 * limit {
      let client = String(repeating: "\u{301}", count: 160) + "\(index)"
      let facts = [TraceEvent.Fact(.client, .text(client)), TraceEvent.Fact(.secrets, .text(""))]
      _ = readers.sessions.take(TraceEvent(.secrets, at: WallTime(milliseconds: 7), facts), of: number)
      _ = readers.read(number, at: start)
    }
    let ended = readers.sessions.proceed(at: start + .seconds(10))
    let given = ended.compactMap(\.session.givenWords).first?.split(separator: " ").compactMap { Int($0) }.first ?? 0
    #expect(1...limit + 1 ~= given)
  }

  @Test func `a process that does not read costs a bounded amount, and gets the number of what it has missed`() throws {
    var readers = try TraceReaders()
    let number = try readers.begin()
    let long = event(.request, String(repeating: "x", count: 300))
    for _ in 0..<4 * TraceSession.outputLimit / 300 {
      _ = readers.sessions.take(long, of: number)
      _ = readers.sessions.proceed(at: start)
    }
    var received = 0
    while true {
      let bytes = readers.read(number, at: start)
      guard !bytes.isEmpty else { break }
      received += bytes.count
    }
    #expect(received < TraceSession.outputLimit * 3)
    _ = readers.sessions.take(event(.closed, "by the client"), of: number)
    var frames = StreamFrames()
    frames.append(readers.read(number, at: start))
    guard case .data(let bytes)? = frames.next() else { throw SystemError("no frame", code: 1) }
    #expect(bytes.first == TraceEvent.Kind.lost.rawValue)
  }
}
