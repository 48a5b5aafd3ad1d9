import Domain

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
  package var line: String { JSONText.write(self) }

  /// Reads one line, without its end.
  package init(parsing line: [UInt8]) throws(ControlFault) { self = try JSONText.read(line) }
}

extension ControlRequest: Codable {
  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: MemberName.self)
    try members.encode(Self.version, forKey: "version")
    func encode(command: String) throws { try members.encode(command, forKey: "command") }
    switch self {
    case .status: try encode(command: "status")
    case .reload: try encode(command: "reload")
    case .server(let name, let command):
      try encode(command: "server")
      try members.encode(name, forKey: "name")
      try members.encode(command.word, forKey: "action")
      if case .weight(let weight) = command { try members.encode(weight, forKey: "weight") }
    case .failover(let seconds):
      try encode(command: "failover")
      try members.encode(seconds, forKey: "seconds")
    case .failback: try encode(command: "failback")
    }
  }

  /// What is unknown is refused: half of a request must not be applied.
  package init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: MemberName.self)
    let version = try members.decode(Int64.self, forKey: "version")
    guard version == Self.version else { throw ControlFault.version(version) }
    let command = try members.decode(String.self, forKey: "command")
    var names: Set = ["version", "command"]
    switch command {
    case "status": self = .status
    case "reload": self = .reload
    case "server":
      self = .server(name: try members.decode(String.self, forKey: "name"), try ServerCommand(members))
      names.formUnion(["name", "action", "weight"])
    case "failover":
      let seconds = try members.decode(UInt64.self, forKey: "seconds")
      guard 1...Self.failoverLimit ~= seconds else { throw ControlFault.field("seconds") }
      self = .failover(seconds: seconds)
      names.insert("seconds")
    case "failback": self = .failback
    default: throw ControlFault.unknown(command)
    }
    try members.requireOnly(names)
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

  /// The word, as commands and requests have it.
  package var word: String {
    switch self {
    case .drain: "drain"
    case .maintenance: "maintenance"
    case .ready: "ready"
    case .weight: "weight"
    }
  }

  fileprivate init(_ members: KeyedDecodingContainer<MemberName>) throws {
    let action = try members.decode(String.self, forKey: "action")
    guard (action == "weight") == members.contains("weight") else { throw ControlFault.field("weight") }
    switch action {
    case "drain": self = .drain
    case "maintenance": self = .maintenance
    case "ready": self = .ready
    case "weight":
      let weight = try members.decode(Int?.self, forKey: "weight")
      guard ServerWeight.range ~= weight ?? 0 else { throw ControlFault.field("weight") }
      self = .weight(weight)
    default: throw ControlFault.field("action")
    }
  }
}

/// Why a line is no request or no answer.
package enum ControlFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// No JSON, no object, or a number that its field cannot hold.
  case malformed
  /// The other side speaks another version.
  case version(Int64)
  /// There is no such command.
  case unknown(String)
  /// A field is missing, superfluous, or has a value that it can't have.
  case field(String)

  /// What reading JSON ended with.
  init(_ error: any Error) {
    var path: [any CodingKey] = []
    switch error {
    case let fault as ControlFault:
      self = fault
      return
    case DecodingError.keyNotFound(let key, _): path = [key]
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      path = context.codingPath
    default: break
    }
    self = path.last { $0.intValue == nil }.map { .field($0.stringValue) } ?? .malformed
  }

  package var description: String {
    switch self {
    case .malformed: "malformed JSON, or a number out of range"
    case .version(let theirs):
      "the other side speaks version \(theirs) of the control protocol, this one version \(ControlRequest.version)"
    case .unknown(let command): "there is no command `\(command)`"
    case .field(let name): "`\(name)` is missing, out of place or has no possible value"
    }
  }
}
