import Control
import Domain
import Linux
import WorkerProtocol
import Testing
import Wire

@testable import Supervisor

@Suite struct `The link to a worker` {
  private func command(_ number: UInt64) -> WorkerCommand {
    .server(name: "view01", AdminState(mode: .drain, since: WallTime(seconds: 1)), number: number)
  }

  /// Sends operators' commands while there is room, one after the other.
  private func give(_ link: inout ControlLink, from first: UInt64, atMost most: UInt64) -> UInt64 {
    for number in first..<first + most {
      guard link.hasRoomForOperators else { return number - first }
      link.send(command(number), forOperators: true)
      link.flush()
    }
    return most
  }

  @Test func `queues a bounded number of operators' commands for a worker that does not read, and loses none`() throws {
    let pair = try MessageSocket.Pair()
    let theirs = MessageSocket(owning: try pair.theirs.descriptor.duplicate())
    var link = ControlLink(pair.takeOurs())
    let taken = give(&link, from: 0, atMost: 100_000)
    #expect(taken < 100_000, "what a socket holds, and the limit")
    var waiting = link.operatorsWaiting
    #expect(waiting == ControlLink.operatorsLimit)

    // The worker reads them, in order, and then there is room again.
    var next: UInt64 = 0
    while next < taken {
      link.flush()
      guard case .message(let message) = try theirs.receive(limit: MessageLimit.message) else { break }
      #expect(try WorkerCommand(decoding: message.bytes.span) == command(next))
      next += 1
    }
    #expect(next == taken)
    waiting = link.operatorsWaiting
    #expect(waiting == 0)
    let hasRoom = link.hasRoomForOperators
    #expect(hasRoom)
  }

  @Test func `has room for an operator's command while the start-up commands are queued`() throws {
    let pair = try MessageSocket.Pair()
    var link = ControlLink(pair.takeOurs())
    for number in 0..<10_000 as Range<UInt64> { link.send(command(number)) }
    let hasRoom = link.hasRoomForOperators
    #expect(hasRoom)
  }

  @Test func `sends the servers' states with a configuration, before its start`() throws {
    let pair = try MessageSocket.Pair()
    let theirs = MessageSocket(owning: try pair.theirs.descriptor.duplicate())
    var link = ControlLink(pair.takeOurs())
    let plan = ServicePlan(
      configuration: ([], "b.yaml", "lb1"), listeners: [], loops: 2, stop: .zero, command: .worker)
    var states = AdminStates()
    let state = states.apply(.maintenance, to: "view01", at: WallTime(seconds: 1))
    let text = SharedDescriptor(try MemoryFile.sealed("configuration", contents: [UInt8]().span))
    link.configure(plan, number: 7, text: text, ListenerSet.Change(), states)
    link.flush()
    var received: [WorkerCommand] = []
    while case .message(let message) = try theirs.receive(limit: MessageLimit.message) {
      received.append(try WorkerCommand(decoding: message.bytes.span))
    }
    #expect(
      received == [
        .configure(number: 7, loops: 2, fileName: "b.yaml", hostName: "lb1"),
        .server(name: "view01", state, number: 1), .start,
      ])
  }

  @Test func `opens the logs again after a crowd of commands, once for all signals before`() throws {
    let pair = try MessageSocket.Pair()
    let theirs = MessageSocket(owning: try pair.theirs.descriptor.duplicate())
    var link = ControlLink(pair.takeOurs())
    let taken = give(&link, from: 0, atMost: 100_000)
    for _ in 0..<3 { link.reopenLogs() }
    var received: [WorkerCommand] = []
    repeat {
      link.flush()
      guard case .message(let message) = try theirs.receive(limit: MessageLimit.message) else { break }
      received.append(try WorkerCommand(decoding: message.bytes.span))
    } while true
    #expect(received.count == Int(taken) + 1 && received.last == .reopenLogs)
  }

  @Test func `drops the queue of a worker that ended`() throws {
    var link = ControlLink(try MessageSocket.Pair().takeOurs())
    for number in 0..<10 as Range<UInt64> { link.send(command(number), forOperators: true) }
    link.flush()
    let waiting = link.operatorsWaiting
    #expect(waiting == 0)
  }
}
