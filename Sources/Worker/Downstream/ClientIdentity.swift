import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Wire

/// Somebody who asks for something: by affinity, limits, queues and log.
struct ClientIdentity {
  /// Where it comes from. The port is 0 where a proxy does not tell it.
  let endpoint: Endpoint
  /// What it is known by to the balancing.
  let key: ClientKey
  /// What its places at servers are counted by.
  let account: ConnectionLedger.Account
}

/// A trusted proxy sends many clients' requests over one connection: each is its own client's from its head to its end.
extension ClientConnection {
  /// Finds out whom the request is for. False: that client has more under way than it may.
  @inline(never)
  mutating func identify(_ context: inout LoopContext) -> Bool {
    guard let request = active.value.exchange.request else { return true }
    let proxies = client.snapshot.settings.forwarded.trustedProxies
    // A reload may have taken the trust away.
    let isTrusted = client.forwarding.isPeerTrusted
    let named = isTrusted ? request.forwardedClient(in: client.side.input.bytes, by: proxies) : nil
    let endpoint = named ?? client.peer.endpoint
    // Where the proxy names no port, one address may be many people: a server's connection that is one user's serves the
    // requests that go on with its authentication, and no others.
    let mayBeAnother = endpoint.port == 0 && active.value.exchange.isPrivate && !request.bindsAuthentication
    if client.earlier != endpoint || mayBeAnother {
      // A server may take what comes on a connection that is kept for somebody for theirs.
      context.close(&active.value.connection)
      active.value.exchange.changeClient()
      client.leaveAffinity(context)
      client.earlier = endpoint
    }
    guard named != nil else { return true }
    let key = client.snapshot.identity(of: endpoint.address)
    let (account, isAllowed) = context.sharedState.clientCame(key)
    client.origin = ClientIdentity(endpoint: endpoint, key: key, account: account)
    return isAllowed
  }
}

extension Client {
  /// The request that was for somebody else is over.
  @inline(never)
  mutating func forgetOrigin(_ context: borrowing LoopContext) {
    guard let origin = origin.take() else { return }
    context.sharedState.clientLeft(origin.account)
    leaveAffinity(context)
  }
}
