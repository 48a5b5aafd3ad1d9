/// A running service's answer to one request, in one line of JSON:
///
///     {"version":1,"ok":true,"status":{…}}
///     {"version":1,"ok":true,"generation":7,"warnings":[…]}
///     {"version":1,"ok":true,"server":{…},"warnings":[…]}
///     {"version":1,"ok":true,"handovers":[…]}
///     {"version":1,"ok":false,"reasons":[…]}
package enum ControlAnswer: Hashable, Sendable {
  case status(StatusReport)
  /// The generation that the reload has made serves. Warnings are worth a person's eye.
  case reloaded(generation: UInt64, warnings: [String])
  /// The command is in force; the server as it stands.
  case changed(StatusReport.Server, warnings: [String])
  /// What became of each virtual router.
  case handedOver([Handover])
  /// Nothing was changed, and why; a reason may have several lines.
  case refused([String])

  /// No answer is longer: as many servers, certificates, generations and problems as there may be.
  package static let byteLimit = 4 << 20

  /// The answer's line, without its end.
  package var line: String { json.text }

  private var json: JSON {
    let version = JSON.integer(ControlRequest.version)
    switch self {
    case .status(let report): return .members(["version": version, "ok": .bool(true), "status": report.json])
    case .reloaded(let generation, let warnings):
      return .members([
        "version": version, "ok": .bool(true), "generation": .count(generation),
        "warnings": .array(warnings.map { .string($0) }),
      ])
    case .changed(let server, let warnings):
      return .members([
        "version": version, "ok": .bool(true), "server": server.json,
        "warnings": .array(warnings.map { .string($0) }),
      ])
    case .handedOver(let handovers):
      return .members(["version": version, "ok": .bool(true), "handovers": .array(handovers.map(\.json))])
    case .refused(let reasons):
      return .members([
        "version": version, "ok": .bool(false), "reasons": .array(reasons.map { .string($0) }),
      ])
    }
  }

  /// Reads one line, without its end. Members that are not known are passed over.
  package init(parsing line: Span<UInt8>) throws(ControlFault) {
    let json: JSON
    do { json = try JSON(parsing: line) } catch { throw .malformed(error) }
    let fields = try Fields(json)
    let version = try fields.integer("version")
    guard version == ControlRequest.version else { throw .version(version) }
    guard try fields.bool("ok") else {
      self = .refused(try fields.strings("reasons"))
      return
    }
    if json["status"] != nil {
      self = .status(try fields.object("status", StatusReport.init))
    } else if json["handovers"] != nil {
      self = .handedOver(try fields.objects("handovers", Handover.init))
    } else if json["server"] != nil {
      self = .changed(
        try fields.object("server", StatusReport.Server.init), warnings: try fields.strings("warnings"))
    } else {
      self = .reloaded(generation: try fields.count("generation"), warnings: try fields.strings("warnings"))
    }
  }
}
