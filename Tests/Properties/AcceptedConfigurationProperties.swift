import Balancing
import Configuration
import Domain
import HTTP1
import Wire

/// Properties of every accepted configuration: the types that the worker creates from its values can be created and
/// work at any time. Those that need files, sockets or OpenSSL are in Tests/Worker and Tests/EndToEnd.
package enum AcceptedConfigurationProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    guard let configuration = Configuration.load(bytes: bytes, fileName: "b.yaml", hostName: "lb1").configuration else {
      return
    }
    var taken: Set<Configuration.Listener> = []
    for service in configuration.services {
      try checkBalancing(service)
      checkHealth(service.health)
      checkTimes(service)
      try checkLimits(service, configuration.limits)
      let own = service.serverListeners + service.relayListeners
      let datagrams = service.datagramListeners
      for listener in service.listeners + (service.redirect?.listeners ?? []) + own + datagrams {
        try require(listener.port > 0, "a listener without a port")
      }
      try require(Set(own).count == own.count, "a port that means two things")
      try require(Set(datagrams).count == datagrams.count, "a port of UDP that is bound twice")
      try require(Set(datagrams).isDisjoint(with: taken), "a port of UDP that means two services")
      taken.formUnion(datagrams)
      let byAddress = service.affinity.by.contains(.clientAddress)
      try require(service.relay.isEmpty || byAddress, "nothing says where relayed bytes lead")
      try require(service.affinity.entries <= AffinitySnapshot.recordLimit, "more clients than a file has room for")
    }
    let names = configuration.services.map(\.name)
    try require(Set(names).count == names.count, "two services of one name")
    try require(names.count == 1 || !names.contains(""), "a service without a name")
    for router in configuration.virtualRouters {
      try require(1...255 ~= router.settings.addresses.count, "\(router.settings.addresses.count) virtual addresses")
    }
  }

  private static func checkBalancing(_ service: Configuration.Service) throws(Violation) {
    let servers = service.servers.map {
      Server(name: $0.name, weight: $0.weight, isBackup: $0.isBackup)
    }
    let router = Router(servers: servers)
    var availability = Availability()
    for index in servers.indices { availability.set(.up, at: index) }
    for address in [IPAddress(v4: 0x0a00_0001), IPAddress(v6High: .max, low: .max)] {
      let client = ClientKey(
        address, v4Prefix: service.affinity.ipv4Prefix, v6Prefix: service.affinity.ipv6Prefix)
      var tried = ServerSet()
      while let server = router.route(client, known: servers.last?.id, availability: availability, tried: tried) {
        try require(!tried.contains(server), "server \(server) a second time")
        tried.insert(server)
      }
      let takers = servers.filter { $0.weight > 0 }
      try require(tried.count >= takers.filter { !$0.isBackup }.count, "only \(tried.count) servers were tried")
    }
  }

  private static func checkHealth(_ health: Configuration.Health) {
    let pace = CheckSchedule.Pace(interval: health.interval, jitter: health.jitter, overlap: health.fall)
    for start in [Instant(nanoseconds: 0), Instant(nanoseconds: .max - 1)] {
      var schedule = CheckSchedule(pace: pace, startingAt: start)
      var tracker = HealthTracker(rise: health.rise, fall: health.fall, lossTime: health.lossTime)
      var now = start
      for turn in 0..<8 {
        let began = now
        schedule.began(at: began)
        if turn == 3 { schedule.suspect(at: now) }
        now = now + health.timeout
        _ = tracker.record(turn % 2 == 0 ? .failed(.timeout(stage: .connection)) : .passed, began: began, at: now)
        schedule.ended(began, at: now, urgency: tracker.urgency, random: turn == 1 ? .max : 0)
        now = schedule.due
      }
    }
  }

  /// Every deadline can be armed, at the first and the last time.
  private static func checkTimes(_ service: Configuration.Service) {
    let times = service.timeouts
    let all = [
      times.proxyHeader, times.tlsHandshake, times.httpRequest, times.queue, times.connect, times.connectTotal,
      times.client, times.server, times.keepAlive, times.tunnel, times.datagrams, times.stop, service.pool.idleTimeout,
      service.affinity.hold,
      service.tls.ticketRotation,
    ]
    for start in [Instant(nanoseconds: 0), Instant(nanoseconds: .max / 2), Instant(nanoseconds: .max - 1)] {
      var wheel = TimerWheel(startingAt: start)
      for (key, time) in all.enumerated() { wheel.schedule(key, at: start + time) }
      while wheel.expire(at: start + .hours(1)) != nil {}
      while wheel.expire(at: .distantFuture) != nil {}
    }
  }

  private static func checkLimits(
    _ service: Configuration.Service, _ limits: Configuration.Limits
  ) throws(Violation) {
    var ledger = ConnectionLedger(limitPerClient: limits.connectionsPerAddress)
    let client = ClientKey(IPAddress(v4: 1))
    guard limits.connections > 0, let account = ledger.open(client) else {
      throw Violation("no place for a single connection")
    }
    ledger.close(account)
    guard limits.flows > 0, ConnectionLedger(limitPerClient: limits.flowsPerAddress).hasRoom(for: client) else {
      throw Violation("no place for a single flow")
    }
    let names = HostTable(
      service.servers.enumerated().flatMap { index, server in server.names.map { ($0.host, index) } })
    for (index, server) in service.servers.enumerated() {
      for name in server.names {
        let host = Array(name.text.utf8)
        try require(names.number(of: host.span) == index, "\(name.text) does not mean \(server.name)")
      }
      var admission = Admission<Int>(limit: server.connections, queueLimit: service.limits.queue)
      guard case .admitted = admission.acquire(1, by: account) else { throw Violation("no place at \(server.name)") }
      _ = admission.release(by: account)
    }
    var table = AffinityTable(
      capacity: min(1024, service.affinity.entries), hold: service.affinity.hold,
      hash: ClientHash(seed: 1, 2))
    for address in UInt32(0)..<40 {
      let client = ClientKey(IPAddress(v4: address))
      table.assign(client, to: ServerID(name: "view01"), at: Instant(nanoseconds: .max - 40 + UInt64(address)))
      _ = table.lookup(client, at: .distantFuture)
    }
    let head = HeadLimits(bytes: service.limits.headerBytes, fieldLines: service.limits.headerFields)
    try require(head.bytes > 0 && head.fieldLines > 0, "no room for a head")
  }
}
