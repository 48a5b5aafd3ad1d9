import Balancing
import Domain
import Testing
import Wire

@testable import Pair

private func message(
  _ content: StreamMessage.Content, from sender: StreamMessage.Sender, of stream: UInt64 = 7
) -> StreamMessage {
  StreamMessage(content, from: sender, of: stream)
}

/// A link that has joined, and what it sends.
private struct StreamLink {
  private let now: Instant
  var link: PairLink
  var clock = AssignmentClock(WallTime(seconds: 1_790_000_000), at: Instant(nanoseconds: 0))
  private var output = PairFrameReader()

  init() throws {
    now = Instant(nanoseconds: Interval.hours(1).nanoseconds)
    link = PairLink(
      own: PairHello(name: "lb1", release: "1", incarnation: 1), peer: "lb2", refresh: .minutes(5), at: now)
    _ = handle(.opened)
    _ = receive(.hello(PairHello(name: "lb2", release: "2", incarnation: 2)))
    _ = handle(.copied(nil, next: nil))
    _ = try sent()
  }

  mutating func handle(_ event: PairLink.Event) -> [PairLink.Effect] {
    link.handle(event, at: now, by: &clock).filter { effect in
      guard case .send(let bytes) = effect else { return true }
      output.append(bytes)
      return false
    }
  }

  mutating func receive(_ messages: PairMessage...) -> [PairLink.Effect] {
    handle(.received(messages.flatMap { $0.encoded() }))
  }

  /// The messages sent since the last call, as long as the output has taken everything.
  mutating func sent() throws -> [PairMessage] {
    var messages: [PairMessage] = []
    while let frame = try output.next() {
      messages.append(try #require(try PairMessage(kind: frame.kind, payload: frame.payload)))
    }
    return messages
  }
}

@Suite struct `Streams on a link` {
  private let chunk = [UInt8](repeating: 1, count: StreamMessage.chunkLimit)

  @Test func `go to the other node and come from it`() throws {
    var test = try StreamLink()
    #expect(test.handle(.stream(message(.open, from: .opener))).isEmpty)
    #expect(
      test.receive(.stream(message(.credit(StreamWindow.size), from: .acceptor))) == [
        .stream(message(.credit(StreamWindow.size), from: .acceptor))
      ])
    #expect(test.handle(.stream(message(.data([1]), from: .opener))).isEmpty && test.link.hasStreams)
    #expect(test.handle(.stream(message(.close(reason: ""), from: .opener))).isEmpty)
    #expect(
      try test.sent() == [.open, .data([1]), .close(reason: "")].map { .stream(message($0, from: .opener)) })
    // It was on its way.
    #expect(test.receive(.stream(message(.data([2]), from: .acceptor))).isEmpty)
    #expect(!test.link.hasStreams)
  }

  @Test func `wait behind all other messages, and fill little of the output`() throws {
    var test = try StreamLink()
    _ = test.handle(.stream(message(.open, from: .opener)))
    _ = test.receive(.stream(message(.credit(StreamWindow.size), from: .acceptor)))
    for _ in 0..<StreamWindow.size { _ = test.handle(.stream(message(.data(chunk), from: .opener))) }
    let first = try test.sent().count
    #expect(first == 3, "the request, and data up to the limit")
    #expect(test.handle(.adminStates([:])).isEmpty)
    let states = ["view01": AdminState(since: WallTime(seconds: 5), node: "lb1")]
    _ = test.handle(.adminStates(states))
    #expect(try test.sent() == [.adminStates(states)])
    for _ in 0..<3 { _ = test.handle(.waiting(0)) }
    #expect(try test.sent().count == StreamWindow.size - 2)
    _ = test.handle(.waiting(PairLink.streamOutputLimit))
    _ = test.handle(.stream(message(.close(reason: ""), from: .opener)))
    #expect(try test.sent().isEmpty && test.link.hasStreams)
  }

  @Test func `end with the link, for the reason that it ends for`() throws {
    var test = try StreamLink()
    _ = test.handle(.stream(message(.open, from: .opener, of: 1)))
    _ = test.receive(.stream(message(.open, from: .opener, of: 2)))
    let effects = test.receive(.leave(reason: "belvedere stops"))
    let reason = StreamMessage.Content.close(reason: "lb2 has left: it says: belvedere stops")
    #expect(effects.count == 3)
    #expect(effects.contains(.stream(message(reason, from: .acceptor, of: 1))))
    #expect(effects.contains(.stream(message(reason, from: .opener, of: 2))))
    #expect(effects.last == .ended(.left(reason: "belvedere stops"), wasJoined: true))
  }

  @Test(
    arguments: [
      ([.open, .open], "open"), ([.open, .data([1])], "stream"), ([.open, .credit(1)], "stream"),
    ] as [([StreamMessage.Content], String)])
  func `a node that opens a second one or sends what was not granted is disconnected`(
    contents: [StreamMessage.Content], name: String
  ) throws {
    var test = try StreamLink()
    var effects: [PairLink.Effect] = []
    for content in contents { effects += test.receive(.stream(message(content, from: .opener))) }
    #expect(effects.first == .stream(message(.open, from: .opener)))
    #expect(effects.last == .ended(.invalid(.unexpected(name)), wasJoined: true))
  }

  @Test func `messages of a kind that this release does not know are skipped`() throws {
    var test = try StreamLink()
    let open = PairMessage.stream(message(.open, from: .opener))
    var later = open.encoded()
    later[later.count - 1] = 9
    #expect(test.handle(.received(later + open.encoded())) == [.stream(message(.open, from: .opener))])
  }

  @Test func `what belongs to no stream is dropped in both directions`() throws {
    var test = try StreamLink()
    #expect(test.receive(.stream(message(.data([1]), from: .acceptor))).isEmpty)
    #expect(test.receive(.stream(message(.close(reason: "x"), from: .opener))).isEmpty)
    _ = test.handle(.stream(message(.close(reason: "x"), from: .opener)))
    _ = test.handle(.stream(message(.data([1]), from: .acceptor)))
    #expect(try test.sent().isEmpty && !test.link.hasStreams)
  }
}
