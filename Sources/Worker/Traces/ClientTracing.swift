import Balancing
import Configuration
import Domain
import Exchange
import Linux
import Logging
import TLS
import Wire

/// What traces report of a client's connection. Called only while there are traces.
extension Client {
  /// Lets the traces of its address, or of the name that it has asked for, follow the connection from now on.
  @inline(never)
  mutating func follow(asking name: [UInt8] = [], isNew: Bool = false, _ context: inout LoopContext) {
    for (slot, order) in context.reports.traces.running {
      guard order.subject.matches(peer.endpoint.address) || !name.isEmpty && order.subject.matches(host: name.span)
      else { continue }
      begin(order, slot, isNew: isNew, &context)
    }
  }

  /// Lets a trace follow the connection from now on.
  mutating func begin(_ order: TraceOrder, _ slot: Int, isNew: Bool, _ context: inout LoopContext) {
    guard traces.follow(order.number, slot: slot) else { return }
    var facts = traceFacts
    facts.append(.number(.port, entrance.port))
    if !isNew { facts.append(.flag(.isEarlier, true)) }
    context.reports.traces.report(.connected, facts, to: [order], at: context.now)
    if !isNew { reportParameters(to: [order], &context) }
  }

  /// Follows the connection by the name in its ClientHello, which is waiting in the socket.
  @inline(never)
  mutating func followName(_ context: inout LoopContext) {
    guard context.reports.traces.running.contains(where: { $0.order.subject.kind == "name" }) else { return }
    context.buffers.lease(&side.input)
    _ = side.stream.peek(into: &side.input)
    let reading = ClientHello.parse(side.input.bytes)
    side.input.removeAll()
    context.buffers.giveBack(&side.input)
    if case .name(let name) = reading { follow(asking: name, isNew: true, &context) }
  }

  /// The context for its handshake: one that reports secrets, if a trace wants those of this client.
  @inline(never)
  func tracedContext(_ original: ServerContext, _ context: inout LoopContext) -> ServerContext {
    guard context.reports.traces.following(traces).contains(where: \.hasSecrets) else { return original }
    do throws(TLSError) { return try context.reports.traces.reporting(original, of: snapshot.number) } catch {
      // A trace fails no handshake.
      if context.reports.traces.noteFault() {
        context.reports.log.error("trace: the TLS secrets of \(peer.endpoint) can't be given: \(error)")
      }
      return original
    }
  }

  /// Reports the secrets that the handshake's last step has made.
  @inline(never)
  func reportSecrets(_ context: inout LoopContext) {
    let secrets = context.reports.traces.takeSecrets()
    guard !secrets.isEmpty else { return }
    let orders = context.reports.traces.following(traces).filter(\.hasSecrets)
    context.reports.traces.report(
      .secrets, [.text(.client, "\(peer.endpoint)"), .text(.secrets, secrets)], to: orders, at: context.now)
  }

  /// Reports what the handshake has agreed on.
  @inline(never)
  mutating func reportHandshake(_ context: inout LoopContext) {
    let before = traces
    if let name = side.stream.handshakeParameters?.serverName { follow(asking: Array(name.utf8), &context) }
    // Those that follow it only now were told.
    reportParameters(to: context.reports.traces.following(before), &context)
  }

  private func reportParameters(to orders: [TraceOrder], _ context: inout LoopContext) {
    guard let parameters = side.stream.handshakeParameters else { return }
    var facts = traceFacts
    facts.append(.text(.tlsVersion, parameters.version))
    facts.append(.text(.cipher, parameters.cipher))
    if let group = parameters.group { facts.append(.text(.group, group)) }
    if let name = parameters.serverName { facts.append(.text(.serverName, name)) }
    facts.append(.flag(.isResumed, parameters.isResumed))
    if !certificate.subject.isEmpty, let shown = side.stream.peerCertificate {
      facts.append(.text(.certificate, shown.clientName))
      facts.append(.text(.fingerprint, "\(shown.fingerprint)"))
    }
    context.reports.traces.report(.secured, facts, to: orders, at: context.now)
  }

  /// Reports why there is no TLS connection.
  @inline(never)
  func reportHandshakeFailure(_ cause: TLSFailure.Cause?, _ reason: String, _ context: inout LoopContext) {
    let orders = context.reports.traces.following(traces)
    guard !orders.isEmpty else { return }
    var facts = traceFacts
    facts.append(.text(.reason, reason))
    if let name = cause?.counterName { facts.append(.text(.failure, name)) }
    context.reports.traces.report(.handshakeFailed, facts, to: orders, at: context.now)
  }

  /// Which client and which service.
  var traceFacts: [TraceEvent.Fact] {
    var facts: [TraceEvent.Fact] = [.text(.client, "\(peer.endpoint)")]
    if !snapshot.settings.name.isEmpty { facts.append(.text(.service, snapshot.settings.name)) }
    return facts
  }
}

extension ClientConnection {
  /// Reports who has closed the connection, and why.
  @inline(never)
  mutating func reportEnd(_ context: inout LoopContext) {
    client.follow(&context)
    var facts = client.traceFacts
    let (closer, reason) = findCloser(&context)
    facts.append(.text(.by, closer.rawValue))
    if let reason { facts.append(.text(.reason, reason)) }
    if let rule = refusingRule { facts.append(.text(.rule, rule)) }
    facts.append(.number(.count, requests.begun))
    context.reports.traces.report(
      .closed, facts, to: context.reports.traces.following(client.traces), at: context.now)
  }

  /// A time limit of the request, or of a client that has not begun one, has expired.
  @inline(never)
  mutating func noteTimeout(_ backlog: Backlog, _ context: inout LoopContext) {
    let timeouts = requests.current.value.snapshot.policy.timeouts
    let key = requests.current.value.exchange.expiredKey(timeouts, backlog: backlog, at: context.now)
    if let key { client.cause = .timeout(key) }
  }

  /// It is closed for a new connection.
  @inline(never)
  mutating func noteDisplacement() {
    client.cause = .displaced(isSilent ? .silent : phase == .handshaking ? .unfinished : .idle)
  }

  private var refusingRule: String? {
    guard requests.isEmpty else { return requests.current.value.refusingRule }
    guard case .refused(let refusal) = client.cause else { return nil }
    return client.snapshot.ruleName(of: refusal)
  }

  private enum Closer: String { case client, belvedere }

  private mutating func findCloser(_ context: inout LoopContext) -> (Closer, reason: String?) {
    // First: the client may have closed when it noticed that its connection ends.
    if client.cause == .handshake(isClients: true) { return (.client, EndCause.handshake(isClients: true).words) }
    if let words = causeWords { return (.belvedere, words) }
    if client.side.stream.isFlooded { return (.belvedere, "too many messages of TLS itself") }
    if client.side.stream.isReset { return (.client, "it has reset the connection") }
    if client.side.stream.lookForEnd() { return (.client, nil) }
    return (.belvedere, context.isStopping ? EndCause.stopping.words : requestWords)
  }

  private var causeWords: String? {
    guard requests.isEmpty else {
      // The request's own event has the details.
      if client.cause?.isRefusal == true, requests.current.value.isRefused { return "its request was refused" }
      return requests.current.value.causeWords(client)
    }
    // That of an earlier request may be left.
    guard let cause = client.cause, cause.isOfConnection else { return nil }
    guard case .refused(let refusal) = cause else { return cause.words }
    return client.snapshot.refusalWords(of: client.knownAddress, refusal) ?? cause.words
  }

  /// Why the request under way was the last one.
  private var requestWords: String {
    guard phase == .open else { return "its handshake was not complete" }
    guard !requests.isEmpty else { return "its last request has ended" }
    let exchange = requests.current.value.exchange
    if let words = exchange.record.termination.words { return words }
    if client.cause == .serviceRemoved { return EndCause.serviceRemoved.words }
    if let words = exchange.closingWords { return words }
    if exchange.number >= client.snapshot.policy.requestsPerConnection ?? .max {
      return "limits.requests-per-connection"
    }
    return "the response was the last one of the connection"
  }
}

extension Client {
  /// Another request begins, while there are traces.
  @inline(never)
  mutating func beginTracedRequest() {
    traces.beginRequest()
    cause = nil
  }
}

extension ServiceSnapshot {
  /// Which of the networks of `access` refuses a client, for people; nil: none does.
  func refusalWords(of address: IPAddress?, _ refusal: ClientRules.Refusal) -> String? {
    switch refusal {
    case .access(.service): return "access: " + settings.access.networks.refusalWords(of: address)
    case .access(.path(let index)):
      let rule = settings.access.paths[index]
      return "access.paths: \(rule.path): \(rule.networks.refusalWords(of: address))"
    case .access(.ambiguousPath), .rate: return nil
    }
  }
}

extension Configuration.Access.Networks {
  /// Which of these networks refuses a client; nil: it is unknown.
  func refusalWords(of address: IPAddress?) -> String {
    guard let address else { return "a trusted proxy does not say who the client is" }
    let network = deny.filter { $0.contains(address) }.max { $0.length < $1.length }
    return network.map { "deny has \($0)" } ?? "allow does not have \(address)"
  }
}

extension LoopContext {
  /// Reports a connection that a rule refuses.
  @inline(never)
  func reportRefusal(
    of peer: Endpoint, at entrance: Client.Entrance, _ refusal: ClientRules.Refusal, by service: ServiceSnapshot
  ) {
    let rule = service.ruleName(of: refusal)
    reportRefusal(of: peer, at: entrance, service, service.refusalWords(of: peer.address, refusal) ?? rule, rule: rule)
  }

  /// Reports a connection that was not accepted.
  @inline(never)
  func reportRefusal(
    of peer: Endpoint, at entrance: Client.Entrance, _ service: ServiceSnapshot, _ reason: String, rule: String? = nil
  ) {
    let orders = reports.traces.running.map(\.order).filter { $0.subject.matches(peer.address) }
    var facts: [TraceEvent.Fact] = [
      .text(.client, "\(peer)"), .number(.port, entrance.port), .text(.reason, reason),
    ]
    // Where several share the listener, the client has not named one yet.
    if entrance.several == nil, !service.settings.name.isEmpty {
      facts.append(.text(.service, service.settings.name))
    }
    if let rule { facts.append(.text(.rule, rule)) }
    reports.traces.report(.refused, facts, to: orders, at: now)
  }
}
