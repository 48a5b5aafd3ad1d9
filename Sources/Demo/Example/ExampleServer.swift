import Linux
import Synchronization
import TLS
import Wire

/// An example Connection Server on a TCP port, which can die and return. Starts dead.
///
/// A thread a connection: it is there to be understood and to be right, not to be fast.
package final class ExampleServer: Sendable {
  /// Most connections served at once; more wait in the kernel. Two hundred WebSockets and a load test fit.
  package static let connectionLimit = 512

  package let state: ExampleServerState
  package let endpoint: Endpoint
  private let context: ServerContext
  private let life = Mutex<Life?>(nil)

  /// A server that will listen on `endpoint` and show the certificate of `context`.
  package init(state: ExampleServerState, endpoint: Endpoint, context: ServerContext) {
    self.state = state
    self.endpoint = endpoint
    self.context = context
  }

  deinit { kill() }

  package var isRunning: Bool { life.withLock { $0 != nil } }

  /// Connections being served.
  package var connections: Int { life.withLock { $0?.crowd.count ?? 0 } }

  /// Listens and serves; does nothing when it does already.
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

  /// Dies: the port is closed and every connection reset, wherever it was. Does nothing when it is dead.
  package func kill() {
    life.withLock { life in
      guard let ended = life.take() else { return }
      ended.end()
    }
  }
}

/// One life of a server, from `start` to `kill`.
private struct Life: ~Copyable {
  let crowd: Crowd
  let acceptor: Thread

  consuming func end() {
    crowd.stop.signal()
    acceptor.join()
  }
}
