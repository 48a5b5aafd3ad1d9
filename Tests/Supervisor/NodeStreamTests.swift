import Domain
import Testing
import Wire

@testable import Supervisor

private let start = Instant(nanoseconds: Interval.hours(1).nanoseconds)
private let size = StreamWindow.size

private func opener() -> NodeStream { NodeStream(openingAt: start) }

private func accepted() -> NodeStream {
  var end = opener()
  #expect(end.handle(.received(.credit(size)), at: start) == [.accepted])
  return end
}

private func acceptor() -> NodeStream {
  var end = NodeStream(acceptingAt: start, now: start)
  #expect(end.handle(.timer, at: start) == [.connect])
  #expect(end.handle(.connected, at: start) == [.send(.credit(size))])
  return end
}

private func ending() -> NodeStream {
  var end = accepted()
  #expect(end.handle(.received(.data([1])), at: start).isEmpty)
  #expect(end.handle(.received(.close(reason: "why")), at: start).isEmpty)
  return end
}

private let beginnings: [(String, NodeStream)] = [
  ("opening", opener()), ("waiting", NodeStream(acceptingAt: start + .seconds(1), now: start)), ("open", accepted()),
  ("ending", ending()),
]

private let events: [(String, NodeStream.Event)] = [
  ("connected", .connected), ("data", .received(.data([2]))), ("credit", .received(.credit(size))),
  ("close", .received(.close(reason: "far"))), ("read", .read([3])), ("room", .room), ("closed", .closed),
  ("abort", .abort(reason: "near")), ("timer", .timer),
]

private func text(_ state: NodeStream.State) -> String { String("\(state)".prefix { $0 != "(" }) }

private func text(_ effect: NodeStream.Effect) -> String {
  switch effect {
  case .connect: "connect"
  case .send(.data(let bytes)): "send \(bytes)"
  case .send(let content): "send \(content)"
  case .accepted: "accepted"
  case .write(let bytes): "write \(bytes)"
  case .ended(let reason): "end “\(reason)”"
  case .invalid: "invalid"
  }
}

private let table = """
  opening | credit → open: accepted
  opening | close → ended: end “far”
  opening | closed → ended: send close(reason: ""), end “”
  opening | abort → ended: send close(reason: "near"), end “near”
  waiting | data → ended: send close(reason: "the other node sent more than was granted"), end “the other node sent more than was granted”, invalid
  waiting | credit → ended: send close(reason: "the other node sent more than was granted"), end “the other node sent more than was granted”, invalid
  waiting | close → ended: end “far”
  waiting | closed → ended: send close(reason: ""), end “”
  waiting | abort → ended: send close(reason: "near"), end “near”
  open | credit → ended: send close(reason: "the other node sent more than was granted"), end “the other node sent more than was granted”, invalid
  open | close → ended: end “far”
  open | read → same: send [3]
  open | closed → ended: send close(reason: ""), end “”
  open | abort → ended: send close(reason: "near"), end “near”
  ending | room → ended: write [1], end “why”
  ending | closed → ended: end “why”
  ending | abort → ended: end “why”
  """

@Suite struct `An end of a stream` {
  @Test func `goes on in each state as the table says`() {
    let now = stateTable(beginnings, events, state: { text($0.state) }) { end, event in
      end.handle(event, at: start).map(text)
    }
    #expect(now == table)
  }

  @Test func `reads only what the other end has granted`() {
    var end = accepted()
    for _ in 0..<size {
      #expect(end.mayRead)
      #expect(end.handle(.read([1]), at: start) == [.send(.data([1]))])
    }
    #expect(!end.mayRead)
    #expect(end.handle(.received(.credit(1)), at: start).isEmpty && end.mayRead)
  }

  @Test func `grants what the local process has taken, at most every 25 ms`() {
    var end = accepted()
    for byte in 1...3 as ClosedRange<UInt8> { #expect(end.handle(.received(.data([byte])), at: start).isEmpty) }
    #expect(end.handle(.room, at: start) == [.write([1]), .send(.credit(1))])
    #expect(end.handle(.room, at: start) == [.write([2])])
    #expect(end.handle(.room, at: start) == [.write([3])])
    #expect(end.deadline == start + NodeStream.creditInterval)
    #expect(end.handle(.timer, at: start + .milliseconds(24)).isEmpty)
    #expect(end.handle(.timer, at: start + .milliseconds(25)) == [.send(.credit(2))])
    #expect(end.handle(.room, at: start).isEmpty && !end.hasInput)
  }

  @Test func `keeps no more than a window, and ends when the worker lets more through`() {
    var end = acceptor()
    for _ in 0..<size { #expect(end.handle(.received(.data([1])), at: start).isEmpty) }
    #expect(end.handle(.received(.data([1])), at: start).last == .invalid)
    #expect(end.state == .ended && !end.hasInput)
  }

  @Test func `carries 8 MB in each direction and no byte more`() {
    var end = acceptor()
    let chunk = [UInt8](repeating: 1, count: 8192)
    var now = start
    for _ in 0..<StreamWindow.byteLimit / chunk.count {
      now = now + NodeStream.creditInterval
      #expect(end.handle(.read(chunk), at: now) == [.send(.data(chunk))])
      _ = end.handle(.received(.credit(1)), at: now)
      _ = end.handle(.received(.data(chunk)), at: now)
      #expect(end.handle(.room, at: now) == [.write(chunk), .send(.credit(1))])
    }
    var other = end
    #expect(other.handle(.received(.data([1])), at: now).last == .invalid)
    #expect(end.handle(.read([1]), at: now).last == .ended(reason: "it has more than 8 MB"))
  }

  @Test func `ends after ten seconds without an answer, and after 15 minutes`() {
    var unanswered = opener()
    #expect(unanswered.handle(.timer, at: start + .milliseconds(9999)).isEmpty)
    #expect(
      unanswered.handle(.timer, at: start + .seconds(10)).last
        == .ended(reason: "the other node has not answered for 10 s"))
    var long = accepted()
    #expect(long.handle(.timer, at: start + .minutes(14)).isEmpty)
    #expect(long.handle(.timer, at: start + .minutes(15)).last == .ended(reason: "it has lasted for 900 s"))
    var slow = ending()
    #expect(slow.handle(.timer, at: start + .seconds(9)).isEmpty)
    #expect(slow.handle(.timer, at: start + .seconds(10)) == [.ended(reason: "why")])
    #expect(slow.deadline == nil && slow.handle(.abort(reason: "x"), at: start).isEmpty)
  }
}
