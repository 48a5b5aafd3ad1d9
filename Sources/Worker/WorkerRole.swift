import Linux
import Roles

/// The data plane's process.
package enum WorkerRole {
  /// Runs the worker on the control socket that its supervisor gave it, and returns the process's exit status.
  package static func run(control: consuming Descriptor) -> Int32 {
    do {
      let channel = try ControlChannel(owning: control)
      let orders = try channel.receiveOrders()
      channel.send(.ready(generation: orders.generation))
      try channel.run { event in
        if case .stop = event { channel.finish() }
      }
      channel.send(.stopped)
      return 0
    } catch {
      return 1
    }
  }
}
