/// The servers' administrative states, as a file keeps it over a restart: a line of JSON that a person can read.
///
///     {"version":1,"servers":[{"name":"view01","admin_state":{"mode":"drain","weight":null,"since":"…"}}]}
package struct AdminStateSnapshot: Hashable, Sendable {
  /// By the server's name.
  package var states: [String: StatusReport.Server.AdminState]

  package init(_ states: [String: StatusReport.Server.AdminState]) { self.states = states }

  /// No file is longer: 1,024 servers, with the longest names that there may be.
  package static let byteLimit = 1 << 20
  private static let version: Int64 = 1

  /// The file's text. Equal snapshots have the same.
  package var text: String {
    let servers = states.sorted { $0.key < $1.key }.map { name, state in
      JSON.members(["name": .string(name), "admin_state": state.json])
    }
    return JSON.members(["version": .integer(Self.version), "servers": .array(servers)]).text + "\n"
  }

  /// Reads what `text` wrote, and believes nothing else.
  package init(parsing text: Span<UInt8>) throws(AdminStateSnapshotError) {
    do {
      let fields = try Fields(JSON(parsing: text))
      let version = try fields.integer("version")
      if version > Self.version { throw AdminStateSnapshotError.tooNew(version: version) }
      guard version == Self.version else { throw AdminStateSnapshotError.damaged }
      try fields.requireOnly(["version", "servers"])
      var states: [String: StatusReport.Server.AdminState] = [:]
      for (name, state) in try fields.objects("servers", Self.line) {
        guard states.updateValue(state, forKey: name) == nil else { throw AdminStateSnapshotError.damaged }
      }
      self.states = states
    } catch {
      throw error as? AdminStateSnapshotError ?? .damaged
    }
  }

  private static func line(_ fields: Fields) throws(ControlFault) -> (String, StatusReport.Server.AdminState) {
    try fields.requireOnly(["name", "admin_state"])
    let state = try fields.object("admin_state", StatusReport.Server.AdminState.init)
    // What is neither sets nothing, and would not be written.
    guard state.mode != nil || state.weight != nil, state.weight ?? 0 <= ServerCommand.weightLimit else {
      throw .field("admin_state")
    }
    return (try fields.string("name"), state)
  }
}

/// Why a file holds no states. The description follows the file's name.
package enum AdminStateSnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Made by a later release.
  case tooNew(version: Int64)
  /// Something else, cut short, or changed by hand and wrong.
  case damaged

  package var description: String {
    switch self {
    case .tooNew(let version): "was written by a later release (version \(version) of the file)"
    case .damaged: "does not read as a file of server states"
    }
  }
}
