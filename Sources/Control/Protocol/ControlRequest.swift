import Domain

/// An operator's request over the control socket: one line of JSON, answered with one line.
///
///     {"version":1,"command":"status"}
///     {"version":1,"command":"reload"}
///     {"version":1,"command":"server","name":"view01","action":"drain"}
///     {"version":1,"command":"server","name":"view01","action":"weight","weight":5}
///     {"version":1,"command":"maintenance","action":"on"}
///     {"version":1,"command":"maintenance","service":"cards","action":"off"}
///     {"version":1,"command":"failover","seconds":86400}
///     {"version":1,"command":"failback"}
///     {"version":1,"command":"wait","service":"cards","seconds":10}
///     {"version":1,"command":"wait","node":"lb2","seconds":10}
///     {"version":1,"command":"apply-stream","node":"lb2"}
///     {"version":1,"command":"trace","address":"192.0.2.7","seconds":60,"secrets":false}
///     {"version":1,"command":"trace","cookie":"5F2C","seconds":60,"secrets":false}
///     {"version":1,"command":"trace","name":"view.example.com","seconds":60,"secrets":true}
package enum ControlRequest: Hashable, Sendable {
  case status
  /// Reload the configuration; answered when it is active or was refused.
  case reload
  case server(name: String, ServerCommand)
  /// Put a service into maintenance, or end that; without a name: the only service.
  case maintenance(service: String?, isOn: Bool)
  /// Hand the virtual addresses over and stay withdrawn for at most this long; answered when that is complete.
  case failover(seconds: UInt64)
  /// End the withdrawal.
  case failback
  /// Answered with the status as soon as this is so, and otherwise after so many seconds.
  case wait(for: Condition, seconds: UInt64)
  /// Connect this process with the receiver of another node; answered when that is connected, and followed by what it
  /// sends. For root only.
  case stream(node: String)
  /// Follow these clients for so many seconds, and report their TLS secrets too, which is for root only; answered when
  /// it has begun, and followed by `StreamFrames` of `TraceEvent`.
  case trace(TraceSubject, seconds: UInt64, hasSecrets: Bool)

  /// What a client may wait for.
  package enum Condition: Hashable, Sendable {
    /// The service of this name, which is empty where there is one without a name, has a server that is up by its last
    /// check.
    case serving(service: String)
    /// Another node of the pair has sent a report since the request.
    case report(node: String)
  }

  /// The version of requests and answers. It changes when the meaning of an existing one changes.
  package static let version: Int64 = 1
  /// The longest request, including its line end.
  package static let byteLimit = 4096
  /// The longest withdrawal in seconds: a year.
  package static let failoverLimit: UInt64 = 365 * 86_400
  /// The longest wait in seconds: each takes one of the connections that the service allows.
  package static let waitLimit: UInt64 = 60

  /// The request as a line, without line end.
  package var line: String { JSONText.write(self) }

  /// Parses one line, without line end.
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
    case .maintenance(let service, let isOn):
      try encode(command: "maintenance")
      if let service { try members.encode(service, forKey: "service") }
      try members.encode(isOn ? "on" : "off", forKey: "action")
    case .failover(let seconds):
      try encode(command: "failover")
      try members.encode(seconds, forKey: "seconds")
    case .failback: try encode(command: "failback")
    case .wait(let condition, let seconds):
      try encode(command: "wait")
      switch condition {
      case .serving(let service): try members.encode(service, forKey: "service")
      case .report(let node): try members.encode(node, forKey: "node")
      }
      try members.encode(seconds, forKey: "seconds")
    case .stream(let node):
      try encode(command: "apply-stream")
      try members.encode(node, forKey: "node")
    case .trace(let subject, let seconds, let hasSecrets):
      try encode(command: "trace")
      try members.encode(subject.text, forKey: MemberName(stringLiteral: subject.kind))
      try members.encode(seconds, forKey: "seconds")
      try members.encode(hasSecrets, forKey: "secrets")
    }
  }

  /// Unknown members are refused: a request must not be applied partially.
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
    case "maintenance":
      let action = try members.decode(String.self, forKey: "action")
      guard ["on", "off"].contains(action) else { throw ControlFault.field("action") }
      self = .maintenance(service: try members.decodeIfPresent(String.self, forKey: "service"), isOn: action == "on")
      names.formUnion(["service", "action"])
    case "failover":
      self = .failover(seconds: try Self.seconds(in: members, limit: Self.failoverLimit))
      names.insert("seconds")
    case "failback": self = .failback
    case "wait":
      let name = members.contains("node") ? "node" : "service"
      let value = try members.decode(String.self, forKey: MemberName(stringLiteral: name))
      self = .wait(
        for: name == "node" ? .report(node: value) : .serving(service: value),
        seconds: try Self.seconds(in: members, limit: Self.waitLimit))
      names.formUnion([name, "seconds"])
    case "apply-stream":
      self = .stream(node: try members.decode(String.self, forKey: "node"))
      names.insert("node")
    case "trace":
      guard let kind = ["address", "cookie", "name"].first(where: { members.contains(MemberName(stringLiteral: $0)) })
      else { throw ControlFault.field("address") }
      let text = try members.decode(String.self, forKey: MemberName(stringLiteral: kind))
      guard let subject = TraceSubject(kind: kind, text) else { throw ControlFault.field(kind) }
      self = .trace(
        subject, seconds: try Self.seconds(in: members, limit: TraceOrder.longest),
        hasSecrets: try members.decode(Bool.self, forKey: "secrets"))
      names.formUnion([kind, "seconds", "secrets"])
    default: throw ControlFault.unknown(command)
    }
    try members.requireOnly(names)
  }

  private static func seconds(in members: KeyedDecodingContainer<MemberName>, limit: UInt64) throws -> UInt64 {
    let seconds = try members.decode(UInt64.self, forKey: "seconds")
    guard 1...limit ~= seconds else { throw ControlFault.field("seconds") }
    return seconds
  }
}

/// An operator's command for one server.
package enum ServerCommand: Hashable, Sendable {
  /// Known clients stay, new ones are routed to other servers.
  case drain
  /// No clients.
  case maintenance
  /// Ends `drain` or `maintenance`.
  case ready
  /// Overrides the configured weight; nil restores it.
  case weight(Int?)

  /// The command's word in requests and on the command line.
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

/// Why a line is not a valid request or answer.
package enum ControlFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not JSON, not an object, or a number out of its field's range.
  case malformed
  /// The peer uses another version.
  case version(Int64)
  /// An unknown command.
  case unknown(String)
  /// A field is missing, unexpected, or has an invalid value.
  case field(String)

  /// From an error of JSON decoding.
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
