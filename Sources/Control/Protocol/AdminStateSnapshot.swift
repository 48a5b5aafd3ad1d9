/// What operators have ordered of servers, as a file keeps it over a restart: a line of JSON that a person can read.
///
///     {"version":1,"servers":[{"name":"view01","order":{"mode":"drain","weight":null,"since":"…"}}]}
package struct AdminStateSnapshot: Hashable, Sendable {
  /// By the server's name.
  package var orders: [String: StatusReport.Server.Order]

  package init(_ orders: [String: StatusReport.Server.Order]) { self.orders = orders }

  /// No file is longer: 1,024 servers, with the longest names that there may be.
  package static let byteLimit = 1 << 20
  private static let version: Int64 = 1

  /// The file's text. Equal snapshots have the same.
  package var text: String {
    let servers = orders.sorted { $0.key < $1.key }.map { name, order in
      JSON.members(["name": .string(name), "order": order.json])
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
      var orders: [String: StatusReport.Server.Order] = [:]
      for (name, order) in try fields.objects("servers", Self.line) {
        guard orders.updateValue(order, forKey: name) == nil else { throw AdminStateSnapshotError.damaged }
      }
      self.orders = orders
    } catch {
      throw error as? AdminStateSnapshotError ?? .damaged
    }
  }

  private static func line(_ fields: Fields) throws(ControlFault) -> (String, StatusReport.Server.Order) {
    try fields.requireOnly(["name", "order"])
    let order = try fields.object("order", StatusReport.Server.Order.init)
    // What is neither is no order, and would not be written.
    guard order.mode != nil || order.weight != nil, order.weight ?? 0 <= ServerCommand.weightLimit else {
      throw .field("order")
    }
    return (try fields.string("name"), order)
  }
}

/// Why a file holds no orders. The description follows the file's name.
package enum AdminStateSnapshotError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Made by a later release.
  case tooNew(version: Int64)
  /// Something else, cut short, or changed by hand and wrong.
  case damaged

  package var description: String {
    switch self {
    case .tooNew(let version): "was written by a later release (version \(version) of the file)"
    case .damaged: "does not read as a file of orders"
    }
  }
}
