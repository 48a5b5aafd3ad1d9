import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Wire

/// A client, as identified for affinity, limits, queues and the log.
struct ClientIdentity {
  /// The client's address. The port is 0 if a proxy does not name it.
  let endpoint: Endpoint
  /// The key for balancing.
  let key: ClientKey
  /// The account to which its slots at servers are charged.
  let account: ConnectionLedger.Account
}

/// A trusted proxy sends requests of many clients on one connection: each belongs to its own client.
extension ClientConnection {
  /// Determines the request's client. False when that client has reached its limit of concurrent exchanges.
  @inline(never)
  mutating func identify(_ context: inout LoopContext) -> Bool {
    guard let request = requests.current.value.exchange.request else { return true }
    let proxies = client.snapshot.settings.forwarded.trustedProxies
    // A reload may have removed the proxy from the trusted ones.
    let isTrusted = client.forwarding.isPeerTrusted
    let named = isTrusted ? request.forwardedClient(in: client.side.input.bytes, by: proxies) : nil
    let endpoint = named ?? client.peer.endpoint
    // If the proxy names no port, several users may share the address: a server's connection that is authenticated for
    // one user serves only requests that continue the authentication.
    let mayBeAnother = endpoint.port == 0 && requests.current.value.exchange.isPrivate && !request.bindsAuthentication
    if requests.earlier != endpoint || mayBeAnother {
      // The server may attribute requests on a private connection to that connection's user.
      context.close(&requests.current.value.connection)
      requests.current.value.exchange.changeClient()
      client.leaveAffinity(&context)
      requests.earlier = endpoint
    }
    guard named != nil else { return true }
    let key = client.snapshot.identity(of: endpoint.address)
    let (account, isAllowed) = context.sharedState.clientCame(key)
    requests.current.value.origin = ClientIdentity(endpoint: endpoint, key: key, account: account)
    return isAllowed
  }
}

extension ActiveExchange {
  /// The client on whose behalf the request was sent.
  func identity(on client: borrowing Client) -> ClientIdentity { origin ?? client.peer }

  /// The request of another client than the peer ends.
  @inline(never)
  mutating func forgetOrigin(_ client: inout Client, _ context: inout LoopContext) {
    guard let origin = origin.take() else { return }
    context.sharedState.clientLeft(origin.account)
    client.leaveAffinity(&context)
  }
}
