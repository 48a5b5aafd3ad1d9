import Linux
import Wire

/// Ports of one address for the demo, each used once.
struct FreePorts {
  private let address: IPAddress
  private var taken: Set<UInt16> = []

  init(on address: IPAddress) { self.address = address }

  /// Takes exactly `asked` if given. Otherwise takes `wish` when it is free, else any port.
  mutating func take(_ asked: UInt16? = nil, wishing wish: UInt16) throws(DemoError) -> UInt16 {
    if let asked {
      try needed { () throws(SystemError) in
        try Socket.requireFree(Endpoint(address: address, port: asked))
      }
      guard taken.insert(asked).inserted else { throw .unavailable("port \(asked) is wanted twice") }
      return asked
    }
    let wished = Endpoint(address: address, port: wish)
    if (try? Socket.requireFree(wished)) != nil, taken.insert(wish).inserted { return wish }
    while true {
      let found = try needed { () throws(SystemError) in try Socket.freePort(on: address) }
      if taken.insert(found).inserted { return found }
    }
  }
}
