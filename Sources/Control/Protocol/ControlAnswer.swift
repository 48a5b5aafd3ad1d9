/// A running service's answer to one request, in one line of JSON:
///
///     {"ok":true,"status":{…},"version":1}
///     {"configuration":7,"ok":true,"version":1,"warnings":[…]}
///     {"ok":true,"server":{…},"version":1,"warnings":[…]}
///     {"maintenance":true,"ok":true,"service":"cards","version":1,"warnings":[…]}
///     {"handovers":[…],"ok":true,"version":1}
///     {"node":"lb2","ok":true,"version":1}
///     {"ok":false,"reasons":[…],"version":1}
package enum ControlAnswer: Hashable, Sendable {
  case status(StatusReport)
  /// The reload has succeeded; the number of the active configuration, and its warnings.
  case reloaded(configuration: UInt64, warnings: [String])
  /// The command was applied; the server's present status.
  case changed(StatusReport.Server, warnings: [String])
  /// The command was applied; whether the service is in maintenance now.
  case maintained(service: String, isOn: Bool, warnings: [String])
  /// The outcome for each virtual router.
  case handedOver([Handover])
  /// The stream to this node is open.
  case opened(node: String)
  /// Nothing was changed; the reasons, each possibly of several lines.
  case refused([String])

  /// The longest answer: with the most servers, certificates, problems and nodes.
  package static let byteLimit = 8 << 20

  /// The answer as a line, without line end.
  package var line: String { JSONText.write(self) }

  /// The same with its line end, as it is sent.
  package var bytes: [UInt8] { Array(line.utf8) + [UInt8(ascii: "\n")] }

  /// Parses one line, without line end.
  package init(parsing line: [UInt8]) throws(ControlFault) { self = try JSONText.read(line) }
}

extension ControlAnswer: Codable {
  private enum CodingKeys: String, CodingKey {
    case version, ok, status, configuration, server, service, maintenance, handovers, node, warnings, reasons
  }

  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(ControlRequest.version, forKey: .version)
    if case .refused = self { try members.encode(false, forKey: .ok) } else { try members.encode(true, forKey: .ok) }
    switch self {
    case .status(let report): try members.encode(report, forKey: .status)
    case .reloaded(let number, let warnings):
      try members.encode(number, forKey: .configuration)
      try members.encode(warnings, forKey: .warnings)
    case .changed(let server, let warnings):
      try members.encode(server, forKey: .server)
      try members.encode(warnings, forKey: .warnings)
    case .maintained(let service, let isOn, let warnings):
      try members.encode(service, forKey: .service)
      try members.encode(isOn, forKey: .maintenance)
      try members.encode(warnings, forKey: .warnings)
    case .handedOver(let handovers): try members.encode(handovers, forKey: .handovers)
    case .opened(let node): try members.encode(node, forKey: .node)
    case .refused(let reasons): try members.encode(reasons, forKey: .reasons)
    }
  }

  /// Unknown members are ignored.
  package init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    let version = try members.decode(Int64.self, forKey: .version)
    guard version == ControlRequest.version else { throw ControlFault.version(version) }
    guard try members.decode(Bool.self, forKey: .ok) else {
      self = .refused(try members.decode([String].self, forKey: .reasons))
      return
    }
    if members.contains(.status) {
      self = .status(try members.decode(StatusReport.self, forKey: .status))
    } else if members.contains(.handovers) {
      self = .handedOver(try members.decode([Handover].self, forKey: .handovers))
    } else if members.contains(.node) {
      self = .opened(node: try members.decode(String.self, forKey: .node))
    } else {
      let warnings = try members.decode([String].self, forKey: .warnings)
      if members.contains(.server) {
        self = .changed(try members.decode(StatusReport.Server.self, forKey: .server), warnings: warnings)
      } else if members.contains(.maintenance) {
        self = .maintained(
          service: try members.decode(String.self, forKey: .service),
          isOn: try members.decode(Bool.self, forKey: .maintenance), warnings: warnings)
      } else {
        self = .reloaded(configuration: try members.decode(UInt64.self, forKey: .configuration), warnings: warnings)
      }
    }
  }
}
