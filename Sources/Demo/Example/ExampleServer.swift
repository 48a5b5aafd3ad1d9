import Linux
import Synchronization
import TLS
import Wire

/// An example Connection Server on a TCP port, which can be killed and restarted. Initially stopped.
///
/// It uses one thread per connection, for simplicity.
package final class ExampleServer: Sendable {
  /// The most simultaneous connections; more wait in the kernel. Enough for two hundred WebSockets and a load test.
  package static let connectionLimit = 512

  package let state: ExampleServerState
  package let endpoint: Endpoint
  private let context: ServerContext
  private let life = Mutex<Life?>(nil)

  /// A server that will listen on `endpoint` with the certificate of `context`.
  package init(state: ExampleServerState, endpoint: Endpoint, context: ServerContext) {
    self.state = state
    self.endpoint = endpoint
    self.context = context
  }

  deinit { kill() }

  package var isRunning: Bool { life.withLock { $0 != nil } }

  /// The number of connections.
  package var connections: Int { life.withLock { $0?.crowd.count ?? 0 } }

  /// Starts listening; does nothing when already running.
  package func start() throws(DemoError) {
    try life.withLock { (life) throws(DemoError) in
      guard life == nil else { return }
      do throws(SystemError) {
        let listener = try Socket.listen(on: endpoint, sharesPort: false)
        let crowd = try Crowd()
        let number = listener.relinquish()
        let acceptor = try Thread(name: "\(state.site.name)") { [state, context] in
          Acceptor(listener: Descriptor(owning: number), crowd: crowd, state: state, context: context).run()
        }
        life = Life(crowd: crowd, acceptor: acceptor)
      } catch {
        throw DemoError.unavailable("\(state.site.name) can't be started: \(error)")
      }
    }
  }

  /// Closes the port and resets every connection. Does nothing when stopped.
  package func kill() {
    life.withLock { life in
      guard let ended = life.take() else { return }
      ended.end()
    }
  }
}

/// A server between `start` and `kill`.
private struct Life: ~Copyable {
  let crowd: Crowd
  let acceptor: Thread

  consuming func end() {
    crowd.stop.signal()
    acceptor.join()
  }
}
