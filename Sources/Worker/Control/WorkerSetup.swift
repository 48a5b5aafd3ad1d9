import Domain
import Linux
import WorkerProtocol
import Synchronization
import Wire

/// What a worker is to serve: everything at its start, what changes at a reload.
package struct WorkerSetup: Sendable {
  /// Counts the configurations that the supervisor has handed out, from 1. Goes back with `WorkerEvent.ready`.
  package let number: UInt64
  package let configuration: ConfigurationText
  /// How many event loops are to run.
  package let loops: Int
  /// One counter for each loop that there may ever be. Each loop beats its own at every turn, and turns at least once
  /// a second.
  package let heartbeats: [Heartbeat]
  /// New listening sockets. At the start, every loop has one for each address and purpose.
  package let listeners: [HandedListener]
  /// Listening sockets to be given up.
  package let withdrawn: [ListenerPlace]
  /// At the start, what operators want of servers.
  package let adminStates: [String: AdminState]
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
package final class HandedListener: Sendable {
  package let place: ListenerPlace
  private let descriptor: Mutex<Descriptor?>

  init(place: ListenerPlace, descriptor: consuming Descriptor) {
    self.place = place
    self.descriptor = Mutex(consume descriptor)
  }

  /// The socket, for the loop that will accept from it. Can be taken once.
  package func takeDescriptor() -> Descriptor {
    guard let taken = descriptor.withLock({ $0.take() }) else {
      preconditionFailure("the listener \(place) was taken before")
    }
    return taken
  }
}
