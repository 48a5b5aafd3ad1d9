/// What an operator asks a running service, over its control socket: one line of JSON, answered with one line.
///
///     {"version":1,"command":"status"}
///     {"version":1,"command":"reload"}
///     {"version":1,"command":"server","name":"view01","action":"drain"}
///     {"version":1,"command":"server","name":"view01","action":"weight","weight":5}
///     {"version":1,"command":"failover","seconds":86400}
///     {"version":1,"command":"failback"}
package enum ControlRequest: Hashable, Sendable {
  case status
  /// Read the configuration again and take it over; answered when it serves or was refused.
  case reload
  case server(name: String, ServerCommand)
  /// Hand the virtual addresses over, and stay away for so long at most; answered when that has happened.
  case failover(seconds: UInt64)
  /// Stay away no longer.
  case failback

  /// The version of requests and answers. It changes when one that was understood before would mean something else.
  package static let version: Int64 = 1
  /// No request is longer, its line's end included.
  package static let byteLimit = 4096
  /// How many seconds a node may be told to stay away: a year.
  package static let failoverLimit: UInt64 = 365 * 86_400

  /// The request's line, without its end.
  package var line: String { json.text }

  private var json: JSON {
    let version = JSON.integer(Self.version)
    return switch self {
    case .status: .members(["version": version, "command": .string("status")])
    case .reload: .members(["version": version, "command": .string("reload")])
    case .server(let name, let command):
      .members([
        "version": version, "command": .string("server"), "name": .string(name), "action": .string(command.word),
        "weight": command.weight,
      ])
    case .failover(let seconds):
      .members(["version": version, "command": .string("failover"), "seconds": .count(seconds)])
    case .failback: .members(["version": version, "command": .string("failback")])
    }
  }

  /// Reads a line. What is unknown is refused: half of a request must not be obeyed.
  package init(parsing line: Span<UInt8>) throws(ControlFault) {
    let json: JSON
    do { json = try JSON(parsing: line) } catch { throw .malformed(error) }
    let fields = try Fields(json)
    let version = try fields.integer("version")
    guard version == Self.version else { throw .version(version) }
    switch try fields.string("command") {
    case "status":
      try fields.requireOnly(["version", "command"])
      self = .status
    case "reload":
      try fields.requireOnly(["version", "command"])
      self = .reload
    case "server":
      try fields.requireOnly(["version", "command", "name", "action", "weight"])
      self = .server(name: try fields.string("name"), try ServerCommand(fields))
    case "failover":
      try fields.requireOnly(["version", "command", "seconds"])
      let seconds = try fields.count("seconds")
      guard 1...Self.failoverLimit ~= seconds else { throw .field("seconds") }
      self = .failover(seconds: seconds)
    case "failback":
      try fields.requireOnly(["version", "command"])
      self = .failback
    case let command: throw .unknown(command)
    }
  }
}

/// What an operator wants of one server.
package enum ServerCommand: Hashable, Sendable {
  /// Known clients stay, new ones go elsewhere.
  case drain
  /// Nobody.
  case maintenance
  /// Takes `drain` or `maintenance` back.
  case ready
  /// Another share of new clients than the configuration's; nil gives the configuration's back.
  case weight(Int?)

  /// The largest weight.
  package static let weightLimit = 256

  /// The word, as commands and requests have it.
  package var word: String {
    switch self {
    case .drain: "drain"
    case .maintenance: "maintenance"
    case .ready: "ready"
    case .weight: "weight"
    }
  }

  fileprivate var weight: JSON? {
    guard case .weight(let weight) = self else { return nil }
    return weight.map { .integer(Int64($0)) } ?? .null
  }

  fileprivate init(_ fields: Fields) throws(ControlFault) {
    let action = try fields.string("action")
    if action == "weight" {
      self = .weight(try fields.optionalInteger("weight", in: 0...Int64(Self.weightLimit)).map { Int($0) })
      return
    }
    guard fields.json["weight"] == nil else { throw .field("weight") }
    switch action {
    case "drain": self = .drain
    case "maintenance": self = .maintenance
    case "ready": self = .ready
    default: throw .field("action")
    }
  }
}

/// Why a line is no request or no answer.
package enum ControlFault: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed(JSONError)
  /// The other side speaks another version.
  case version(Int64)
  /// There is no such command.
  case unknown(String)
  /// A field is missing, superfluous, or has a value that it can't have.
  case field(String)

  package var description: String {
    switch self {
    case .malformed(let error): "\(error)"
    case .version(let theirs):
      "the other side speaks version \(theirs) of the control protocol, this one version \(ControlRequest.version)"
    case .unknown(let command): "there is no command `\(command)`"
    case .field(let name): "`\(name)` is missing, out of place or has no possible value"
    }
  }
}
