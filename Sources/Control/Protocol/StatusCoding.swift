// A report's JSON; writer and reader of each part stand together. Members that a reader does not know are skipped, so
// that an older command can read a newer service.

extension StatusReport {
  package var json: JSON {
    .members([
      "node": .string(node), "version": .string(version), "pid": .integer(pid), "time": .time(time),
      "since": .time(since), "state": .string(state.rawValue), "mode": .string(mode),
      "service": .array(service.map { .string($0) }), "listeners": .array(listeners.map { .string($0) }),
      "worker": .optional(worker, \.json), "generation": generation.json, "traffic": traffic.json,
      "limits": limits.json, "certificates": .array(certificates.map(\.json)),
      "servers": .array(servers.map(\.json)), "routers": .array(routers.map(\.json)), "timers": timers.json,
      "problems": .array(problems.map(\.json)),
    ])
  }

  init(_ fields: Fields) throws(ControlFault) {
    self.init(
      time: try fields.time("time"), since: try fields.time("since"),
      generation: try fields.object("generation", Generation.init))
    node = try fields.string("node")
    version = try fields.string("version")
    pid = try fields.integer("pid")
    state = try fields.word("state")
    mode = try fields.string("mode")
    service = try fields.strings("service")
    listeners = try fields.strings("listeners")
    worker = try fields.optional("worker") { (fields) throws(ControlFault) in try fields.object("worker", Worker.init) }
    traffic = try fields.object("traffic", Traffic.init)
    limits = try fields.object("limits", Limits.init)
    certificates = try fields.objects("certificates", Certificate.init)
    servers = try fields.objects("servers", Server.init)
    routers = try fields.objects("routers", Router.init)
    timers = try fields.object("timers", Timers.init)
    problems = try fields.objects("problems", Problem.init)
  }
}

extension StatusReport.Worker {
  fileprivate var json: JSON { .members(["pid": .integer(pid), "since": .time(since)]) }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(pid: try fields.integer("pid"), since: try fields.time("since"))
  }
}

extension StatusReport.Generation {
  fileprivate var json: JSON {
    .members([
      "number": .count(number), "since": .time(since), "threads": .count(threads),
      "alive": .optional(alive, JSON.count),
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(
      number: try fields.count("number"), since: try fields.time("since"), threads: try fields.count("threads"))
    alive = try fields.optional("alive") { (fields) throws(ControlFault) in try fields.count("alive") }
  }
}

extension StatusReport.Traffic {
  fileprivate var json: JSON {
    .members([
      "connections": .count(connections), "exchanges": .count(exchanges), "requests": .count(requests),
      "accepted": .count(accepted), "per_second": .optional(rates, \.json), "refused": refused.json,
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init()
    connections = try fields.count("connections")
    exchanges = try fields.count("exchanges")
    requests = try fields.count("requests")
    accepted = try fields.count("accepted")
    rates = try fields.optional("per_second") { (fields) throws(ControlFault) in
      try fields.object("per_second", StatusReport.Rates.init)
    }
    refused = try fields.object("refused", StatusReport.Refused.init)
  }
}

extension StatusReport.Rates {
  fileprivate var json: JSON { .members(["connections": .decimal(connections), "requests": .decimal(requests)]) }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(connections: try fields.decimal("connections"), requests: try fields.decimal("requests"))
  }
}

extension StatusReport.Refused {
  fileprivate var json: JSON {
    .members([
      "connections": .count(connections), "handshakes": .count(handshakes), "requests": .count(requests),
      "unroutable": .count(unroutable),
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init()
    connections = try fields.count("connections")
    handshakes = try fields.count("handshakes")
    requests = try fields.count("requests")
    unroutable = try fields.count("unroutable")
  }
}

extension StatusReport.Certificate {
  fileprivate var json: JSON {
    .members([
      "file": .string(file), "subject": .string(subject), "names": .array(names.map { .string($0) }),
      "serial": .string(serial), "fingerprint": .string(fingerprint), "not_after": .time(notAfter),
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(notAfter: try fields.time("not_after"))
    file = try fields.string("file")
    subject = try fields.string("subject")
    names = try fields.strings("names")
    serial = try fields.string("serial")
    fingerprint = try fields.string("fingerprint")
  }
}

extension StatusReport.Problem {
  fileprivate var json: JSON {
    .members(["time": .time(time), "count": .count(count), "text": .string(text)])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(
      time: try fields.time("time"), count: try fields.count("count"), text: try fields.string("text"))
  }
}

extension StatusReport.Limits {
  fileprivate var json: JSON {
    .members([
      "connections": .count(connections),
      "connections_per_address": .optional(connectionsPerAddress, JSON.count),
      "queue": .count(queue), "clients": .count(clients),
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init()
    connections = try fields.count("connections")
    connectionsPerAddress = try fields.optional("connections_per_address") { (fields) throws(ControlFault) in
      try fields.count("connections_per_address")
    }
    queue = try fields.count("queue")
    clients = try fields.count("clients")
  }
}
