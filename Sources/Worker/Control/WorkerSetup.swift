import Domain
import Linux
import WorkerProtocol
import Synchronization
import Wire

/// The setup of a worker: complete at its start, the changes at a reload.
package struct WorkerSetup: Sendable {
  /// The number of the configuration, counted by the supervisor from 1. Returned in `WorkerEvent.ready`.
  package let number: UInt64
  package let configuration: ConfigurationText
  /// The number of event loops.
  package let loops: Int
  /// One counter for each possible loop. Each loop increments its own at every turn, at least once a second.
  package let heartbeats: [Heartbeat]
  /// New listening sockets. At the start, every loop has one for each address and purpose.
  package let listeners: [HandedListener]
  /// Listening sockets to be closed.
  package let withdrawn: [ListenerIdentity]
  /// The servers' administrative states.
  package let adminStates: [String: AdminState]

  /// The new listeners of the loops.
  var loopListeners: [HandedListener] { listeners.filter { $0.identity.purpose != .pair } }
  /// The new listeners of the pair's thread.
  var pairListeners: [HandedListener] { listeners.filter { $0.identity.purpose == .pair } }
}

/// A configuration's text as read by the supervisor, to be parsed again by the same code.
package struct ConfigurationText: Sendable, Equatable {
  package let text: String
  /// The file name in diagnostics.
  package let fileName: String
  /// The host name that selects the values keyed by host.
  package let hostName: String
}

/// A listening socket received from the supervisor.
package final class HandedListener: Sendable {
  package let identity: ListenerIdentity
  private let descriptor: Mutex<Descriptor?>

  init(identity: ListenerIdentity, descriptor: consuming Descriptor) {
    self.identity = identity
    self.descriptor = Mutex(consume descriptor)
  }

  /// Takes the socket, for the loop that will accept from it. Must be called only once.
  package func takeDescriptor() -> Descriptor {
    guard let taken = descriptor.withLock({ $0.take() }) else {
      preconditionFailure("the listener \(identity) was taken before")
    }
    return taken
  }
}
