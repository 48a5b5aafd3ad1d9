import Configuration
import Linux
import Wire

/// The sockets that the observer listens on.
struct ObserverSockets {
  /// What the kernel holds for a client that does not read.
  private static let sendBuffer: Int32 = 256 << 10

  /// Where the supervisor connects.
  let reports: SharedDescriptor
  /// For clients.
  let listeners: [SharedDescriptor]

  init(reports: SharedDescriptor, _ listeners: [Configuration.Listener]) throws(SystemError) {
    self.reports = reports
    var sockets: [SharedDescriptor] = []
    for listener in listeners {
      // Without an address: IPv4 and IPv6.
      let endpoint = Endpoint(address: listener.address ?? IPAddress(v6High: 0, low: 0), port: listener.port)
      let socket = try Socket.listen(on: endpoint, dualStack: listener.address == nil, sharesPort: false)
      try Socket.limitSendBuffer(socket, bytes: Self.sendBuffer)
      sockets.append(SharedDescriptor(socket))
    }
    self.listeners = sockets
  }
}
