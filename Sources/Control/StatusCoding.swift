// A report's JSON; writer and reader of each part stand together. Members that a reader does not know are skipped, so
// that an older command can read a newer service.

extension StatusReport {
  package var json: JSON {
    .members([
      "node": .string(node), "version": .string(version), "pid": .integer(pid), "time": .moment(time),
      "since": .moment(since), "state": .string(state.rawValue), "mode": .string(mode),
      "service": .array(service.map { .string($0) }), "listeners": .array(listeners.map { .string($0) }),
      "worker": .optional(worker, \.json), "generation": generation.json, "traffic": traffic.json,
      "limits": limits.json, "servers": .array(servers.map(\.json)),
    ])
  }

  init(_ fields: Fields) throws(ControlFault) {
    self.init(
      time: try fields.moment("time"), since: try fields.moment("since"),
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
    servers = try fields.objects("servers", Server.init)
  }
}

extension StatusReport.Worker {
  fileprivate var json: JSON { .members(["pid": .integer(pid), "since": .moment(since)]) }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(pid: try fields.integer("pid"), since: try fields.moment("since"))
  }
}

extension StatusReport.Generation {
  fileprivate var json: JSON {
    .members(["number": .count(number), "since": .moment(since), "threads": .count(threads)])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(
      number: try fields.count("number"), since: try fields.moment("since"), threads: try fields.count("threads"))
  }
}

extension StatusReport.Traffic {
  fileprivate var json: JSON {
    .members([
      "connections": .count(connections), "exchanges": .count(exchanges), "requests": .count(requests),
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init()
    connections = try fields.count("connections")
    exchanges = try fields.count("exchanges")
    requests = try fields.count("requests")
  }
}

extension StatusReport.Limits {
  fileprivate var json: JSON {
    .members([
      "connections": .count(connections),
      "connections_per_address": .optional(connectionsPerAddress, JSON.count),
      "queue": .count(queue),
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init()
    connections = try fields.count("connections")
    connectionsPerAddress = try fields.optional("connections_per_address") { (fields) throws(ControlFault) in
      try fields.count("connections_per_address")
    }
    queue = try fields.count("queue")
  }
}

extension StatusReport.Server {
  var json: JSON {
    .members([
      "name": .string(name), "address": .string(address), "state": .string(state.rawValue), "reason": .string(reason),
      "since": .optional(since, JSON.moment), "order": .optional(order, \.json), "weight": .count(weight),
      "configured_weight": .count(configuredWeight), "backup": .bool(isBackup), "limit": .count(limit),
      "load": .optional(load, \.json),
    ])
  }

  init(_ fields: Fields) throws(ControlFault) {
    self.init(name: try fields.string("name"), address: try fields.string("address"))
    state = try fields.word("state")
    reason = try fields.string("reason")
    since = try fields.optional("since") { (fields) throws(ControlFault) in try fields.moment("since") }
    order = try fields.optional("order") { (fields) throws(ControlFault) in try fields.object("order", Order.init) }
    weight = try fields.count("weight")
    configuredWeight = try fields.count("configured_weight")
    isBackup = try fields.bool("backup")
    limit = try fields.count("limit")
    load = try fields.optional("load") { (fields) throws(ControlFault) in try fields.object("load", Load.init) }
  }
}

extension StatusReport.Server.Load {
  fileprivate var json: JSON {
    .members([
      "clients": .count(clients), "sessions": .count(sessions), "exchanges": .count(exchanges),
      "waiting": .count(waiting),
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(
      clients: try fields.count("clients"), sessions: try fields.count("sessions"),
      exchanges: try fields.count("exchanges"), waiting: try fields.count("waiting"))
  }
}

extension StatusReport.Server.Order {
  var json: JSON {
    .members([
      "mode": .optional(mode) { .string($0.rawValue) }, "weight": .optional(weight, JSON.count),
      "since": .moment(since),
    ])
  }

  init(_ fields: Fields) throws(ControlFault) {
    self.init(
      mode: try fields.optional("mode") { (fields) throws(ControlFault) in try fields.word("mode") },
      weight: try fields.optional("weight") { (fields) throws(ControlFault) in try fields.count("weight") },
      since: try fields.moment("since"))
  }
}
