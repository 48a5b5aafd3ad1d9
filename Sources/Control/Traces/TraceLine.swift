import Domain
import Wire

/// An event of a trace, as `belvedere trace` prints it.
package struct TraceLine {
  private let event: TraceEvent

  package init(_ event: TraceEvent) { self.event = event }

  /// One line of JSON, without line end.
  package var json: String { JSONText.write(self) }

  /// One line without line end: the client, and what has happened. The time is for the caller to add.
  package var text: String {
    let client = event.text(.client).map { $0 + " " } ?? ""
    return (client + words).escapingControls()
  }

  private var words: String {
    switch event.kind {
    case .connected:
      return event.flag(.isEarlier)
        ? "has been connected to port \(number(.port))\(service)" : "connects to port \(number(.port))\(service)"
    case .refused: return "is not accepted on port \(number(.port))\(service): \(reason)"
    case .secured: return "TLS: " + parameters.joined(separator: ", ")
    case .handshakeFailed: return "TLS handshake failed\(service): \(reason)"
    case .placed: return placed
    case .request: return request
    case .closed:
      let count = number(.count)
      let closer = event.text(.by).map { "closed by " + ($0 == "client" ? "the client" : "Belvedere") }
      let end = [closer, event.text(.reason)]
      return end.compactMap { $0 }.joined(separator: ": ") + ", after \(count) request\(count == 1 ? "" : "s")"
    case .secrets: return "TLS secrets were written"
    case .began: return "the trace has begun"
    case .lost: return "\(number(.count)) events were left out: there were too many"
    case .ended: return "the trace has ended: \(reason)"
    case .workerEnded: return "the worker has ended, and all connections with it; the trace goes on with the next one"
    }
  }

  private func number(_ key: TraceEvent.Key) -> UInt64 { event.number(key) ?? 0 }

  private var service: String { event.text(.service).map { " (service \($0))" } ?? "" }

  private var reason: String { event.text(.reason) ?? "" }

  private var parameters: [String] {
    [
      event.text(.tlsVersion), event.text(.cipher), event.text(.group),
      event.flag(.isResumed) ? "resumed session" : "new session",
      event.text(.serverName).map { "name \($0)" } ?? "no name",
      event.text(.certificate).map { "certificate \($0)" },
    ].compactMap { $0 }
  }

  private var subject: String {
    // Datagrams are no connection with requests.
    if let flow = event.number(.flow) { return "flow \(flow)" }
    let number = number(.number)
    return "request \(number)" + (event.text(.forwardedFor).map { " for \($0)" } ?? "")
  }

  private var placed: String {
    let port = event.number(.port).map { ", port \($0)" } ?? ""
    guard let server = event.text(.server) else { return "\(subject): \(reason)" }
    let words = Placement(rawValue: reason)?.words ?? reason
    let tried = event.number(.retries).map { ", after \($0) other\($0 == 1 ? "" : "s")" } ?? ""
    return "\(subject): server \(server)\(port)\(tried): \(words)"
  }

  private var request: String {
    let times: [TraceEvent.Key] = [.requestTime, .queueTime, .connectTime, .responseTime, .activeTime]
    let parts: [String?] = [
      event.number(.status).map { "status \($0)" }, event.text(.server).map { "server \($0)" },
      times.map { event.number($0).map { "\($0)" } ?? "-" }.joined(separator: "/") + " ms",
      "\(number(.bytesFromClient)) bytes in, \(number(.bytesToClient)) out",
      event.number(.retries).map { "\($0) retries" },
      event.flag(.redispatched) ? "redispatched" : nil,
      event.text(.requestLine).map { "“\($0)”" },
      "\(event.text(.termination) ?? "--")\(reason.isEmpty ? "" : " " + reason)",
    ]
    return "\(subject): " + parts.compactMap { $0 }.joined(separator: ", ")
  }
}

extension TraceLine: Encodable {
  package func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: MemberName.self)
    try members.encode(event.kind.member, forKey: "event")
    try members.encode(event.time, forKey: "time")
    for fact in event.facts where fact.key != .secrets {
      let name = MemberName(stringLiteral: fact.key.member)
      switch fact.value {
      case .text(let text): try members.encode(text, forKey: name)
      case .number(let number): try members.encode(number, forKey: name)
      case .flag(let flag): try members.encode(flag, forKey: name)
      }
    }
  }
}

extension TraceEvent.Kind {
  /// In JSON.
  var member: String {
    switch self {
    case .handshakeFailed: "handshake-failed"
    case .workerEnded: "worker-ended"
    default: "\(self)"
    }
  }
}

extension TraceEvent.Key {
  /// In JSON, where the access log has the same as there.
  var member: String {
    switch self {
    case .client, .port, .service, .server, .reason, .number, .status, .termination, .retries, .redispatched, .count,
      .cipher, .group, .secrets, .rule, .by, .failure, .flow:
      "\(self)"
    case .forwardedFor: "forwarded_for"
    case .requestLine: "request"
    case .bytesToClient: "bytes_to_client"
    case .bytesFromClient: "bytes_from_client"
    case .requestTime: "request_ms"
    case .queueTime: "queue_ms"
    case .connectTime: "connect_ms"
    case .responseTime: "response_ms"
    case .activeTime: "active_ms"
    case .tlsVersion: "tls_version"
    case .serverName: "server_name"
    case .isResumed: "resumed"
    case .isEarlier: "earlier"
    case .certificate: "client_certificate"
    case .fingerprint: "client_certificate_fingerprint"
    }
  }
}
