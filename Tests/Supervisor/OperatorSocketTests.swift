import Control
import Foundation
import Linux
import Logging
import Testing
import Wire

@testable import Supervisor

@Suite struct `The control socket` {
  private static func path() -> String {
    FileManager.default.temporaryDirectory.appending(path: "control-\(UUID().uuidString.prefix(8)).sock").path
  }

  /// Connects from this process, sends a request, and returns what the socket accepted: the request, or nil.
  private static func ask(
    _ socket: inout OperatorSocket, _ path: String, _ poller: borrowing Poller
  ) throws -> ControlRequest? {
    let now = Clock.monotonic()
    socket.listen(poller, at: now)
    let client = try LocalSocket.connect(to: path)
    _ = Socket.write(client.number, Array((ControlRequest.status.line + "\n").utf8).span)
    var request: ControlRequest?
    for _ in 0..<3 as Range<Int> where request == nil {
      let count = poller.wait(.milliseconds(200))
      for index in 0..<count as Range<Int> {
        request = socket.handle(SupervisorToken(rawValue: poller.event(at: index).token), poller, at: now)?.0 ?? request
      }
    }
    return request
  }

  @Test func `accepts a request from its own user, and none from a worker process`() throws {
    let path = Self.path()
    let poller = try Poller()
    var open = try OperatorSocket(at: path, log: Logger(label: "test"))
    #expect(try Self.ask(&open, path, poller) == .status)
    let isQuiet = !open.takeWorkerIntrusion()
    #expect(isQuiet)
    open.forbid(worker: CurrentProcess.identifier)
    #expect(try Self.ask(&open, path, poller) == nil)
    let wasToldOf = open.takeWorkerIntrusion()
    #expect(wasToldOf)
  }

  @Test func `forgets a request that waits when its client leaves, not when it only has no more to send`() throws {
    let path = Self.path()
    let poller = try Poller()
    var socket = try OperatorSocket(at: path, log: Logger(label: "test"))
    socket.listen(poller, at: Clock.monotonic())
    func turn(_ socket: inout OperatorSocket) {
      let now = Clock.monotonic()
      for index in 0..<poller.wait(.milliseconds(10)) as Range<Int> {
        let token = SupervisorToken(rawValue: poller.event(at: index).token)
        guard case (.wait(let condition, let seconds), let requester)? = socket.handle(token, poller, at: now) else {
          continue
        }
        socket.wait(requester, for: condition, seconds: seconds, at: now)
      }
    }
    let line = Array((ControlRequest.wait(for: .serving(service: ""), seconds: 60).line + "\n").utf8)
    do {
      let client = try LocalSocket.connect(to: path)
      _ = Socket.write(client.number, line.span)
      Socket.shutdownWrite(client.number)
      for _ in 0..<20 { turn(&socket) }
      let isWaiting = !socket.waiting.isEmpty
      #expect(isWaiting)
    }
    for _ in 0..<20 { turn(&socket) }
    let isForgotten = socket.waiting.isEmpty
    #expect(isForgotten)
    do {
      let client = try LocalSocket.connect(to: path)
      _ = Socket.write(client.number, line.span)
    }
    for _ in 0..<20 { turn(&socket) }
    let isIgnored = socket.waiting.isEmpty
    #expect(isIgnored)
  }

  @Test func `refuses a former worker's process without attributing it to the current one`() throws {
    let path = Self.path()
    let poller = try Poller()
    var socket = try OperatorSocket(at: path, log: Logger(label: "test"))
    socket.forbid(worker: CurrentProcess.identifier)
    socket.forbid(worker: 1)
    #expect(try Self.ask(&socket, path, poller) == nil)
    let isQuiet = !socket.takeWorkerIntrusion()
    #expect(isQuiet)
  }
}
