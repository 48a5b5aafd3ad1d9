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

  /// Connects from this process, asks, and takes what comes of it on the other side: a request, or nothing.
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

  @Test func `takes a request of this user's, and none of a worker's process`() throws {
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

  @Test func `does not take a worker that is gone for the one that runs, but bars it all the same`() throws {
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
