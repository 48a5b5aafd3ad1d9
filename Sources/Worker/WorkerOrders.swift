import Linux
import Roles
import Wire

/// Everything that a worker is started with.
package struct WorkerOrders {
  /// Counts the configurations that the supervisor has handed out, from 1. Goes back with `Fact.ready`.
  package let generation: UInt64
  package let configuration: ConfigurationText
  /// One counter for each event loop; as many loops are to run. Each loop beats its own at every turn, and turns at
  /// least once a second.
  package let heartbeats: [Heartbeat]
  /// Every loop has one listener for each address and purpose.
  package let listeners: [HandedListener]
}

/// A configuration as the supervisor read it, to be parsed again by the same code.
package struct ConfigurationText: Sendable, Equatable {
  package let text: String
  /// What problems call the file.
  package let fileName: String
  /// The name that decides what is keyed by host.
  package let hostName: String
}

/// A listening socket that came from the supervisor.
package final class HandedListener {
  package let place: ListenerPlace
  private var descriptor: Descriptor?

  init(place: ListenerPlace, descriptor: consuming Descriptor) {
    self.place = place
    self.descriptor = consume descriptor
  }

  /// The socket, for the loop that will accept from it. Can be taken once.
  package func takeDescriptor() -> Descriptor {
    guard let taken = descriptor.take() else { preconditionFailure("the listener \(place) was taken before") }
    return taken
  }
}
