import Linux
import Testing
import Wire

@testable import Worker

@Suite struct `A local shortage while connecting to a server` {
  /// TCP's send fails with EAGAIN for lack of memory as well as on a full socket.
  @Test func `is not blamed on the server if memory for a PROXY header is missing`() throws {
    var testLoop = try TestLoop.make(serverSettings: ", send-proxy-v2: on")
    let service = testLoop.loop.context.snapshot.services[0]
    let request = RequestKey(connection: SlabKey(index: 0, generation: 1), number: 1)
    let key = try testLoop.loop.context.open(0, of: service, for: request, proxyHeader: [1, 2, 3]).get()
    let socket = testLoop.loop.context.servers[key].side.stream.descriptor.number
    let filling = [UInt8](repeating: 0, count: 1 << 16)
    var (filled, refusals) = (0, 0)
    try testLoop.until("the socket is connected, and full") { _ in
      switch Socket.write(socket, filling.span) {
      case .bytes(let count): (filled, refusals) = (filled + count, 0)
      case .wouldBlock: refusals += 1
      case .failed(let code): Issue.record("\(SystemError.words(for: code))")
      }
      // Bytes may still be in transit to the buffers of the other side.
      return filled > 0 && refusals > 20
    }
    testLoop.loop.context.servers[key].side.stream.became([.writable])
    let progress = testLoop.loop.context.connect(key)
    guard case .short = progress else {
      Issue.record("\(progress)")
      return
    }
  }
}
