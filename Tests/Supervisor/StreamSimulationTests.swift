import Domain
import Simulation
import Testing
import Wire

@testable import Supervisor

/// Two ends of a stream, what connects them, and the processes at both, in virtual time. Messages arrive in order and
/// late; each process sends and takes bytes when it likes, in pieces of any size.
private struct SimulatedStream {
  private struct Process {
    var sent: [UInt8] = []
    var toSend: Int
    var taken: [UInt8] = []
    /// Given, not taken yet.
    var given: [UInt8] = []
    var reason: String?
  }

  private var random: SeededGenerator
  private(set) var now = Instant(nanoseconds: Interval.hours(1).nanoseconds)
  private var ends: [NodeStream]
  private var processes: [Process]
  /// On the way to each end.
  private var flows: [[(due: Instant, content: StreamMessage.Content)]] = [[], []]
  private(set) var mostWaiting = 0
  /// The link is gone; nothing is sent any more.
  private var isCut = false

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    ends = [NodeStream(openingAt: now), NodeStream(acceptingAt: now, now: now)]
    processes = []
    for _ in 0..<2 { processes.append(Process(toSend: Int.random(in: 0...200_000, using: &random))) }
  }

  var areOver: Bool { processes.allSatisfy { $0.reason != nil && $0.given.isEmpty } }
  var reasons: [String?] { processes.map(\.reason) }

  /// What each process has sent, and what the other one has taken.
  var results: [(sent: [UInt8], taken: [UInt8])] {
    [(processes[0].sent, processes[1].taken), (processes[1].sent, processes[0].taken)]
  }

  /// Whether each process has sent everything, and the other one has taken as much.
  var isComplete: Bool {
    processes.allSatisfy { $0.toSend == 0 } && processes[0].sent.count == processes[1].taken.count
      && processes[1].sent.count == processes[0].taken.count
  }

  /// Lets at most so many steps pass.
  mutating func run(_ most: Int, until isDone: (SimulatedStream) -> Bool) throws {
    var count = 0
    while count < most, !isDone(self) {
      try step()
      count += 1
    }
  }

  private mutating func step() throws {
    now = now + .microseconds(UInt64.random(in: 1...4000, using: &random))
    for index in ends.indices {
      while let next = flows[index].first, next.due <= now {
        flows[index].removeFirst()
        try handle(.received(next.content), index)
      }
      if let deadline = ends[index].deadline, deadline <= now { try handle(.timer, index) }
      try work(index)
    }
  }

  private mutating func work(_ index: Int) throws {
    if Bool.random(using: &random) {
      let count = min(Int.random(in: 1...20_000, using: &random), processes[index].given.count)
      processes[index].taken += processes[index].given.prefix(count)
      processes[index].given.removeFirst(count)
    }
    if processes[index].given.isEmpty, ends[index].hasInput { try handle(.room, index) }
    if processes[index].toSend > 0, ends[index].mayRead, Bool.random(using: &random) {
      let count = min(Int.random(in: 1...StreamMessage.chunkLimit, using: &random), processes[index].toSend)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      processes[index].toSend -= count
      processes[index].sent += bytes
      try handle(.read(bytes), index)
    }
  }

  mutating func handle(_ event: NodeStream.Event, _ index: Int) throws {
    for effect in ends[index].handle(event, at: now) {
      #expect(processes[index].reason == nil, "\(effect) after the end")
      switch effect {
      case .connect: try handle(.connected, index)
      case .send(let content):
        guard !isCut else { continue }
        let due = max(flows[1 - index].last?.due ?? now, now + .microseconds(.random(in: 100...30_000, using: &random)))
        flows[1 - index].append((due, content))
        let waiting = flows[1 - index].count { if case .data = $0.content { true } else { false } }
        mostWaiting = max(mostWaiting, waiting)
      case .accepted: #expect(index == 0)
      case .write(let bytes): processes[index].given += bytes
      case .ended(let reason): processes[index].reason = reason
      case .invalid: Issue.record("an honest node is taken for another")
      }
    }
  }

  /// The link ends: each node tells its end so, and what was on the way is lost.
  mutating func cut() throws {
    isCut = true
    flows = [[], []]
    for index in ends.indices { try handle(.received(.close(reason: "it has left")), index) }
  }

  /// A process closes its connection.
  mutating func close(_ index: Int) throws { try handle(.closed, index) }

  /// The worker of a node ends: its supervisor ends the stream, and the other node sees the link's end.
  mutating func loseWorker(_ index: Int) throws {
    isCut = true
    flows = [[], []]
    try handle(.abort(reason: "the worker has ended"), index)
    try handle(.received(.close(reason: "it has left")), 1 - index)
  }
}

@Suite struct `Streams between nodes, simulated` {
  @Test(arguments: 0..<UInt64(Scale.count(40)))
  func `all bytes arrive in order, with at most a window on the way`(seed: UInt64) throws {
    var stream = SimulatedStream(seed: seed)
    try stream.run(20_000) { $0.isComplete }
    #expect(stream.isComplete, "seed \(seed)")
    for (sent, taken) in stream.results { #expect(sent == taken, "seed \(seed)") }
    #expect(stream.reasons == [nil, nil] && stream.mostWaiting <= StreamWindow.size, "seed \(seed)")
    try stream.close(Int(seed % 2))
    try stream.run(10_000) { $0.areOver }
    #expect(stream.reasons == ["", ""], "seed \(seed)")
  }

  @Test(arguments: 0..<UInt64(Scale.count(100)))
  func `whatever ends it at any time, both ends end, and what has arrived is a beginning of what was sent`(
    seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed + 1000)
    var stream = SimulatedStream(seed: seed)
    try stream.run(.random(in: 0..<400, using: &random)) { _ in false }
    switch seed % 3 {
    case 0: try stream.cut()
    case 1: try stream.close(Int(seed / 3 % 2))
    default: try stream.loseWorker(Int(seed / 3 % 2))
    }
    try stream.run(20_000) { $0.areOver }
    #expect(stream.areOver, "seed \(seed)")
    for (sent, taken) in stream.results { #expect(sent.starts(with: taken), "seed \(seed)") }
    if seed % 3 == 0 { #expect(stream.reasons == ["it has left", "it has left"], "seed \(seed)") }
  }
}
