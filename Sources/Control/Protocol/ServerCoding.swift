// A server's part of a report in JSON; writer and reader of each part stand together.

extension StatusReport.Server {
  var json: JSON {
    .members([
      "name": .string(name), "address": .string(address), "removed": .bool(isRemoved),
      "state": .string(state.rawValue), "reason": .string(reason), "since": .optional(since, JSON.time),
      "admin_state": .optional(adminState, \.json), "weight": .count(weight),
      "configured_weight": .count(configuredWeight),
      "backup": .bool(isBackup), "limit": .count(limit), "load": .optional(load, \.json),
    ])
  }

  init(_ fields: Fields) throws(ControlFault) {
    self.init(name: try fields.string("name"), address: try fields.string("address"))
    isRemoved = try fields.bool("removed")
    state = try fields.word("state")
    reason = try fields.string("reason")
    since = try fields.optional("since") { (fields) throws(ControlFault) in try fields.time("since") }
    adminState = try fields.optional("admin_state") { (fields) throws(ControlFault) in
      try fields.object("admin_state", AdminState.init)
    }
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
      "waiting": .count(waiting), "connections": .count(connections),
    ])
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    self.init(
      clients: try fields.count("clients"), sessions: try fields.count("sessions"),
      exchanges: try fields.count("exchanges"), waiting: try fields.count("waiting"),
      connections: try fields.count("connections"))
  }
}

extension StatusReport.Server.AdminState {
  var json: JSON {
    .members([
      "mode": .optional(mode) { .string($0.rawValue) }, "weight": .optional(weight, JSON.count),
      "since": .time(since),
    ])
  }

  init(_ fields: Fields) throws(ControlFault) {
    self.init(
      mode: try fields.optional("mode") { (fields) throws(ControlFault) in try fields.word("mode") },
      weight: try fields.optional("weight") { (fields) throws(ControlFault) in try fields.count("weight") },
      since: try fields.time("since"))
  }
}
