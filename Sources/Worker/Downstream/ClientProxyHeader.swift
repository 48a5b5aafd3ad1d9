import Balancing
import Configuration
import Domain
import HTTP1
import Linux
import Wire

/// A connection that a trusted proxy begins with a PROXY protocol header (`forwarded: proxy-protocol`).
extension ClientConnection {
  /// Reads the header and nothing after it: from then on the connection belongs to the client that it names.
  mutating func awaitHeader(_ context: inout LoopContext) -> ActiveExchange.Step {
    guard client.side.stream.mayRead else { return .wait }
    context.buffers.lease(&client.side.input)
    defer { context.buffers.giveBack(&client.side.input) }
    let peeked = client.side.stream.peek(into: &client.side.input)
    let reading = ProxyHeader.parse(client.side.input.bytes)
    client.side.input.removeAll()
    switch peeked {
    case .bytes: break
    case .wouldBlock: return .wait
    // A proxy may check whether the port is open.
    case .closed, .failed: return .close
    }
    switch reading {
    case .header(let header):
      guard Socket.discard(client.side.stream.descriptor.number, count: header.length) else { return .close }
      return introduce(header, &context)
    case .incomplete where !client.side.stream.hasEnded: return .wait
    case .incomplete, .malformed:
      if context.reports.traces.isActive { client.cause = .noProxyHeader }
      refuseHeader(.invalid, &context)
      return .close
    }
  }

  /// Why a proxy's connection is closed before its first byte is passed on; the text is for the log.
  enum HeaderFault: String {
    case invalid = "a proxy has to begin with a PROXY protocol header (forwarded: proxy-protocol)"
    case late = "no complete PROXY protocol header within timeouts.proxy-header"
  }

  /// Counts and logs a connection that is closed for its header.
  func refuseHeader(_ fault: HeaderFault, _ context: inout LoopContext) {
    context.reports.counters.refused.connections += 1
    context.reports.failures.note(client: client.peer.endpoint, fault.rawValue, at: context.now)
  }

  private mutating func introduce(_ header: ProxyHeader, _ context: inout LoopContext) -> ActiveExchange.Step {
    let (snapshot, isSecure) = (client.snapshot, client.entrance.hasTLS)
    if header.source == nil, !header.isLocal {
      client.entrance.isUnnamed = true
      client.forwarding = snapshot.forwarding(for: client.peer.endpoint.address, isSecure: isSecure, isUnnamed: true)
    }
    if let source = header.source {
      client.forwarding = snapshot.forwarding(for: source.address, isSecure: isSecure)
      let key = snapshot.identity(of: source.address)
      var account = client.peer.account
      var isAllowed = true
      // If the source is another trusted proxy, the connection keeps the proxy's account.
      if !client.forwarding.isPeerTrusted {
        context.sharedState.clientLeft(account)
        (account, isAllowed) = context.sharedState.clientCame(key)
      }
      client.peer = ClientIdentity(endpoint: source, key: key, account: account)
      guard isAllowed else {
        if context.reports.traces.isActive {
          client.follow(isNew: true, &context)
          client.cause = .tooManyOfAddress
        }
        context.reports.counters.refused.connections += 1
        context.reports.counters.clientLimitReached()
        return .close
      }
    }
    if context.reports.traces.isActive { client.follow(isNew: true, &context) }
    let occasion = client.entrance.several == nil ? ClientRules.Occasion.connection : .sharedConnection
    if client.snapshot.rules != nil, refusal(on: occasion, &context) != nil { return .close }
    since = context.now
    guard !client.entrance.hasTLS else {
      phase = .handshaking
      return .yield
    }
    phase = .open
    return context.isStopping ? .close : .again
  }
}

extension ActiveExchange {
  /// The header for a server's connection that is opened for this client (`servers.NAME.send-proxy-v2`).
  func proxyHeader(_ client: borrowing Client) -> [UInt8] {
    let source = identity(on: client).endpoint
    let local = try? Socket.localEndpoint(of: client.side.stream.descriptor.number)
    return ProxyHeader.bytes(from: source, to: local ?? Endpoint(address: source.address, port: client.entrance.port))
  }
}
