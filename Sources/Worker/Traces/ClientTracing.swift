import Configuration
import Domain
import Exchange
import Linux
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
      begin(order, slot, isNew: isNew, context)
    }
  }

  /// Lets a trace follow the connection from now on.
  mutating func begin(_ order: TraceOrder, _ slot: Int, isNew: Bool, _ context: borrowing LoopContext) {
    guard traces.follow(order.number, slot: slot) else { return }
    var facts = traceFacts
    facts.append(.number(.port, entrance.port))
    if !isNew { facts.append(.flag(.isEarlier, true)) }
    context.reports.traces.report(.connected, facts, to: [order], at: context.now)
    if !isNew { reportParameters(to: [order], context) }
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
  func tracedContext(_ original: ServerContext, _ context: inout LoopContext) throws(TLSError) -> ServerContext {
    guard context.reports.traces.following(traces).contains(where: \.hasSecrets) else { return original }
    return try context.reports.traces.reporting(original)
  }

  /// Reports the secrets that the handshake's last step has made.
  @inline(never)
  func reportSecrets(_ context: borrowing LoopContext) {
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
    reportParameters(to: context.reports.traces.following(before), context)
  }

  private func reportParameters(to orders: [TraceOrder], _ context: borrowing LoopContext) {
    guard let parameters = side.stream.handshakeParameters else { return }
    var facts = traceFacts
    facts.append(.text(.tlsVersion, parameters.version))
    facts.append(.text(.cipher, parameters.cipher))
    if let group = parameters.group { facts.append(.text(.group, group)) }
    if let name = parameters.serverName { facts.append(.text(.serverName, name)) }
    facts.append(.flag(.isResumed, parameters.isResumed))
    context.reports.traces.report(.secured, facts, to: orders, at: context.now)
  }

  /// Reports why there is no TLS connection.
  @inline(never)
  func reportHandshakeFailure(_ reason: String, _ context: borrowing LoopContext) {
    var facts = traceFacts
    facts.append(.text(.reason, reason))
    context.reports.traces.report(
      .handshakeFailed, facts, to: context.reports.traces.following(traces), at: context.now)
  }

  /// Which client and which service.
  var traceFacts: [TraceEvent.Fact] {
    var facts: [TraceEvent.Fact] = [.text(.client, "\(peer.endpoint)")]
    if !snapshot.settings.name.isEmpty { facts.append(.text(.service, snapshot.settings.name)) }
    return facts
  }
}

extension ClientConnection {
  /// Reports who has closed the connection.
  @inline(never)
  mutating func reportEnd(_ context: inout LoopContext) {
    client.follow(&context)
    var facts = client.traceFacts
    facts.append(.text(.reason, endWords(context)))
    facts.append(.number(.count, requests.begun))
    context.reports.traces.report(
      .closed, facts, to: context.reports.traces.following(client.traces), at: context.now)
  }

  private mutating func endWords(_ context: borrowing LoopContext) -> String {
    if client.side.stream.isReset { return "reset by the client" }
    if client.side.stream.lookForEnd() { return "closed by the client" }
    let reason: String? =
      if context.isStopping {
        "the service stops"
      } else if !requests.isEmpty {
        requests.current.value.exchange.record.termination.words
      } else if phase == .open {
        nil
      } else {
        "it was not established"
      }
    return "closed by Belvedere" + (reason.map { ": " + $0 } ?? "")
  }
}

extension LoopContext {
  /// Reports a connection that was not accepted.
  @inline(never)
  func reportRefusal(of peer: Endpoint, _ reason: String) {
    let orders = reports.traces.running.map(\.order).filter { $0.subject.matches(peer.address) }
    reports.traces.report(.refused, [.text(.client, "\(peer)"), .text(.reason, reason)], to: orders, at: now)
  }
}
