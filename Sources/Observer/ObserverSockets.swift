import Configuration
import Linux
import Wire

/// The sockets that the observer listens on.
struct ObserverSockets {
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
      sockets.append(
        SharedDescriptor(try Socket.listen(on: endpoint, dualStack: listener.address == nil, sharesPort: false)))
    }
    self.listeners = sockets
  }
}
