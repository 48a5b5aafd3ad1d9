import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import Wire

/// What traces report of a request. Called only while there are traces.
extension ActiveExchange {
  /// The request's head is complete: finds the traces that follow it.
  @inline(never)
  mutating func follow(_ client: inout Client, _ context: borrowing LoopContext) {
    for (slot, order) in context.reports.traces.running where isMeant(by: order.subject, client) {
      client.traces.followRequest(order.number, slot: slot)
      // The next request on a proxy's connection may be another client's.
      if !client.forwarding.isPeerTrusted { client.begin(order, slot, isNew: false, context) }
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
    let orders = following(&client, &context)
    guard !orders.isEmpty else { return }
    var facts = requestFacts(client)
    switch (server, placement) {
    case (let server?, .hash) where snapshot.backend.isOnlyChoice(server, tried: tried):
      facts.append(.text(.reason, Placement.onlyOne.rawValue))
      facts.append(.text(.server, snapshot.servers[server].identity.name))
    case (let server?, let placement) where placement != .none:
      facts.append(.text(.reason, placement.rawValue))
      facts.append(.text(.server, snapshot.servers[server].identity.name))
    default: facts.append(.text(.reason, "\(Placement.none.words): \(snapshot.backend.stateWords)"))
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
    context.reports.traces.report(.request, facts + entry.traceFacts(at: context.now), to: orders, at: context.now)
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
    if let words = record.termination.words { facts.append(.text(.reason, words)) }
    return facts
  }
}

extension LoopContext {
  /// Reports the end of a flow of datagrams.
  @inline(never)
  func reportFlow(_ entry: borrowing AccessEntry) {
    let orders = reports.traces.running.map(\.order).filter { $0.subject.matches(entry.client.address) }
    var facts: [TraceEvent.Fact] = [.text(.client, "\(entry.client)")]
    if !entry.service.isEmpty { facts.append(.text(.service, entry.service)) }
    facts.append(.text(.requestLine, String(decoding: entry.requestLine, as: UTF8.self)))
    reports.traces.report(.request, facts + entry.traceFacts(at: now), to: orders, at: now)
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
