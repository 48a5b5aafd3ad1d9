import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// What traces report of a request. Called only while there are traces.
extension ActiveExchange {
  /// The request's head is complete: finds the traces that follow it.
  @inline(never)
  mutating func follow(_ client: inout Client, _ context: inout LoopContext) {
    for (slot, order) in context.reports.traces.running where isMeant(by: order.subject, client) {
      client.traces.followRequest(order.number, slot: slot)
      // The next request on a proxy's connection may be another client's.
      if !client.forwarding.isPeerTrusted { client.begin(order, slot, isNew: false, &context) }
    }
  }

  private func isMeant(by subject: TraceSubject, _ client: borrowing Client) -> Bool {
    switch subject {
    case .addresses: subject.matches(identity(on: client).endpoint.address)
    case .cookie:
      subject.matches(cookie: snapshot.affinity.cookie ?? Self.usualCookie, exchange.request, client.side.input)
    case .name: subject.matches(hostOf: exchange.request, client.side.input)
    }
  }

  /// That of Connection Servers.
  private static let usualCookie = SessionCookie(name: "JSESSIONID")

  /// The request has a server, or there is none for it.
  @inline(never)
  func reportPlacement(_ client: inout Client, _ context: inout LoopContext) {
    reportPlacement(to: following(&client, &context), client, &context)
  }

  /// The first bytes of a connection that is relayed unread are in its socket: finds the traces of the name in its
  /// ClientHello. They learn only now that the connection has a server.
  @inline(never)
  mutating func followHello(_ client: inout Client, _ context: inout LoopContext) {
    guard exchange.record.bytesFromClient == 0, client.side.stream.mayRead else { return }
    let before = following(&client, &context)
    client.followName(&context)
    let orders = context.reports.traces.following(client.traces).filter { !before.contains($0) }
    reportPlacement(to: orders, client, &context)
  }

  private func reportPlacement(
    to orders: [TraceOrder], _ client: borrowing Client, _ context: inout LoopContext
  ) {
    guard !orders.isEmpty else { return }
    var facts = requestFacts(client)
    if let server, placement != .none {
      facts += snapshot.placementFacts(server, placement, tried: tried, at: context.now)
    } else {
      facts.append(.text(.reason, "\(Placement.none.words): \(unavailability)"))
    }
    if let port = client.relayedPort { facts.append(.number(.port, port)) }
    if !tried.isEmpty { facts.append(.number(.retries, tried.count)) }
    context.reports.traces.report(.placed, facts, to: orders, at: context.now)
  }

  /// The exchange has ended.
  @inline(never)
  func report(_ entry: borrowing AccessEntry, _ client: inout Client, _ context: inout LoopContext) {
    let orders = following(&client, &context)
    guard !orders.isEmpty else { return }
    var facts = requestFacts(client)
    if !entry.requestLine.isEmpty {
      facts.append(.text(.requestLine, String(decoding: entry.requestLine, as: UTF8.self)))
    }
    facts += entry.traceFacts(at: context.now)
    if let words = endWords(entry.record.termination, client) { facts.append(.text(.reason, words)) }
    if let rule = entry.rule { facts.append(.text(.rule, rule)) }
    context.reports.traces.report(.request, facts, to: orders, at: context.now)
  }

  private func endWords(_ termination: Termination, _ client: borrowing Client) -> String? {
    guard let words = causeWords(client) else { return termination.words }
    if termination.cause == .proxy { return "Belvedere refused it: " + words }
    return [termination.words, words].compactMap { $0 }.joined(separator: ": ")
  }

  /// Why the request has ended, more exactly than its termination says.
  func causeWords(_ client: borrowing Client) -> String? {
    guard let cause = client.cause else { return nil }
    guard exchange.record.began == nil || cause.explains(exchange.record.termination.cause) else { return nil }
    if cause == .request(.certificateOutdated), let failure = client.certificate.refusal {
      return "tls.client-certificates: \(failure.description)"
    }
    return refusalWords(client) ?? cause.words
  }

  /// Whether Belvedere has refused the request, which its own event explains.
  var isRefused: Bool { exchange.record.began != nil && exchange.record.termination.cause == .proxy }

  /// Which rule of `access` has refused the request, and which of its networks.
  private func refusalWords(_ client: borrowing Client) -> String? {
    refusal.flatMap { snapshot.refusalWords(of: namedClient(on: client)?.address, $0) }
  }

  /// The rule of `access` or `rates` that has refused the request, as in the access log.
  var refusingRule: String? { refusal.map(snapshot.ruleName) }

  /// Why no server takes the request.
  private var unavailability: String {
    guard isDedicated, let server else { return snapshot.backend.stateWords }
    let shared = snapshot.backend.servers[server]
    return "the name or port is \(shared.name)'s own, and \(shared.name) is \(shared.state)"
  }

  private func following(_ client: inout Client, _ context: inout LoopContext) -> [TraceOrder] {
    client.follow(&context)
    return context.reports.traces.following(client.traces)
  }

  private func requestFacts(_ client: borrowing Client) -> [TraceEvent.Fact] {
    var facts = client.traceFacts
    if let origin { facts.append(.text(.forwardedFor, "\(origin.endpoint.address)")) }
    facts.append(.number(.number, exchange.number))
    return facts
  }
}

extension AccessEntry {
  /// How it went.
  func traceFacts(at end: Instant) -> [TraceEvent.Fact] {
    let timers = record.timers(at: end)
    var facts: [TraceEvent.Fact] = []
    if let server { facts.append(.text(.server, server)) }
    if record.status != 0 { facts.append(.number(.status, record.status)) }
    facts.append(.number(.bytesToClient, record.bytesToClient))
    facts.append(.number(.bytesFromClient, record.bytesFromClient))
    let times: [(TraceEvent.Key, UInt64?)] = [
      (.requestTime, timers.request), (.queueTime, timers.wait), (.connectTime, timers.connect),
      (.responseTime, timers.response), (.activeTime, timers.active),
    ]
    for (key, time) in times { if let time { facts.append(.number(key, time)) } }
    if record.retries > 0 { facts.append(.number(.retries, record.retries)) }
    if record.redispatched { facts.append(.flag(.redispatched, true)) }
    facts.append(.text(.termination, record.termination.code))
    return facts
  }
}

extension ServiceSnapshot {
  /// The chosen server, and why it was chosen.
  func placementFacts(
    _ server: Int, _ placement: Placement, tried: ServerSet = ServerSet(), at now: Instant
  ) -> [TraceEvent.Fact] {
    let isOnly = placement == .hash && backend.isOnlyChoice(tried: tried, at: now)
    return [
      .text(.reason, (isOnly ? Placement.onlyOne : placement).rawValue),
      .text(.server, servers[server].identity.name),
    ]
  }
}

extension LoopContext {
  /// Reports a new flow of datagrams.
  @inline(never)
  func reportFlow(_ number: UInt64, _ key: Flow.Key, _ choice: Backend.Choice, of service: ServiceSnapshot) {
    let facts =
      [.number(.flow, number)] + service.placementFacts(choice.server, choice.placement, at: now)
      + [.number(.port, key.local.port)]
    report(.placed, flowOf: key.client, service.settings.name, facts)
  }

  /// Reports the end of a flow of datagrams.
  @inline(never)
  func reportFlow(_ number: UInt64, _ entry: borrowing AccessEntry, _ reason: String) {
    var facts: [TraceEvent.Fact] = [
      .number(.flow, number), .text(.requestLine, String(decoding: entry.requestLine, as: UTF8.self)),
    ]
    facts += entry.traceFacts(at: now)
    facts.append(.text(.reason, entry.record.termination.words ?? reason))
    report(.request, flowOf: entry.client, entry.service, facts)
  }

  private func report(
    _ kind: TraceEvent.Kind, flowOf client: Endpoint, _ service: String, _ facts: [TraceEvent.Fact]
  ) {
    let orders = reports.traces.running.map(\.order).filter { $0.subject.matches(client.address) }
    var ends: [TraceEvent.Fact] = [.text(.client, "\(client)")]
    if !service.isEmpty { ends.append(.text(.service, service)) }
    reports.traces.report(kind, ends + facts, to: orders, at: now)
  }
}

// These take the buffer itself, like those in BufferedBytes.

extension TraceSubject {
  fileprivate func matches(cookie: SessionCookie?, _ request: RequestHead?, _ buffer: borrowing Buffer) -> Bool {
    guard let request, let value = cookie?.value(in: request, of: buffer.bytes) else { return false }
    return matches(cookie: value.slice(of: buffer.bytes))
  }

  fileprivate func matches(hostOf request: RequestHead?, _ buffer: borrowing Buffer) -> Bool {
    guard let host = request?.host, !host.isEmpty else { return false }
    return matches(host: host.slice(of: buffer.bytes))
  }
}
