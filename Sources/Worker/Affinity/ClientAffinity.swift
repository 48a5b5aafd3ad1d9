import Balancing
import Domain
import Exchange
import HTTP1
import Linux
import Wire

/// Selects the server by the client's affinity, and updates the affinity.
extension ActiveExchange {
  /// The server of this request: the one that its port or Host is dedicated to; else the server of the previous
  /// request, unless a server changed its state or failed in this exchange; else the backend's choice, whose servers
  /// last changed at `epoch`. A client that is already assigned to the server gets a session at once; others do in
  /// `assignServer`.
  mutating func choose(at epoch: UInt64, _ client: inout Client, _ context: inout LoopContext) -> Int? {
    let backend = snapshot.backend
    asksBroker = snapshot.affinity.isByTunnel && isForBroker(client)
    if let dedicated = backend.dedicated, let meant = dedicatedServer(dedicated, client) {
      isDedicated = true
      placement = .dedicated
      if backend.servers[meant].takesClients { return meant }
      // For the log.
      position = .outside(meant)
      return nil
    }
    isDedicated = false
    if snapshot.affinity.isByTunnel, let server = tunnelServer(&client, &context) {
      placement = .tunnel
      return server
    }
    let cookie = requestCookie(client, &context)
    if tried.isEmpty, let earlier = client.routed, earlier.epoch == epoch, earlier.cookie == cookie {
      placement = .earlier
      return earlier.server
    }
    let isRemembered = snapshot.affinity.isByAddress
    let choice = backend.route(
      isRemembered
        ? identity(on: client).key : identity(on: client).key.connection(fromPort: client.peer.endpoint.port),
      isRemembered: isRemembered, cookie: cookie, tried: tried, at: context.now)
    guard let choice else { return nil }
    placement = choice.placement
    client.routed = (choice.server, epoch, cookie)
    unconfirmed = (choice.server, cookie, choice.basis)
    if choice.isAssigned { assignServer(&client, &context) }
    return choice.server
  }

  @inline(never)
  private func dedicatedServer(_ dedicated: DedicatedServers, _ client: borrowing Client) -> Int? {
    let host = exchange.request?.host ?? .absent
    return dedicated.server(port: client.entrance.port, host: host.slice(of: client.side.input.bytes))
  }

  private func requestCookie(_ client: borrowing Client, _ context: inout LoopContext) -> ClientKey? {
    guard let cookie = snapshot.affinity.cookie, let request = exchange.request else { return nil }
    return snapshot.backend.affinity.client(of: request, cookie, in: client.side.input)
  }

  /// Records a response of the server for its passive check, which needs it only while requests to some server fail.
  @inline(always)
  func noteResponse(_ client: inout Client, _ context: inout LoopContext) {
    guard context.sharedState.isWatching(at: context.now), let server else { return }
    snapshot.backend.servers[server].answered(identity(on: client).key, at: context.now)
  }

  /// The head of the final response is at the start of its connection's input: a session that it begins is assigned to
  /// this server.
  func learn(
    _ cookie: SessionCookie, from connection: SlabKey, _ client: inout Client, _ context: inout LoopContext
  ) {
    let affinity = snapshot.backend.affinity
    let known = affinity.client(setBy: cookie, in: context.servers[connection].side.input)
    guard let server, let known else { return }
    remember(cookie: known, on: snapshot.backend.servers[server].id, &client, &context)
  }

  /// The chosen server has responded: the client is assigned to it from now on. Before that it is unknown whether the
  /// server works, and an assignment outlives an outage: a server that does not respond keeps no client, and a server
  /// that replaces it for a short time takes none. A response is a response head of any status; in passthrough mode it
  /// is the server's first byte, because a kernel accepts connections even if the process hangs.
  mutating func assignServer(_ client: inout Client, _ context: inout LoopContext) {
    guard let (server, cookie, basis) = unconfirmed.take() else { return }
    let id = snapshot.backend.servers[server].id
    if let cookie, basis != .client { remember(cookie: cookie, on: id, &client, &context) }
    if basis == .cookie {
      renewAddress(on: id, &client, &context)
    } else if snapshot.affinity.isByAddress, client.sessions.address?.server != id {
      snapshot.backend.affinity.addresses.renew(
        &client.sessions.address, of: identity(on: client).key, on: id, at: context.now)
    }
  }

  /// A cookie or a tunnel's id does not assign the address, which other clients may share. If the address is assigned
  /// to the same server, this connection opens a session for it, so that it does not expire: ports of `relay` use it.
  func renewAddress(on server: ServerID, _ client: inout Client, _ context: inout LoopContext) {
    let (addresses, key) = (snapshot.backend.affinity.addresses, identity(on: client).key)
    guard snapshot.affinity.isByAddress, client.sessions.address?.server != server,
      addresses.lookup(key, at: context.now) == server
    else { return }
    addresses.renew(&client.sessions.address, of: key, on: server, at: context.now)
  }

  private func remember(
    cookie: ClientKey, on server: ServerID, _ client: inout Client, _ context: inout LoopContext
  ) {
    snapshot.backend.affinity.cookies.renew(&client.sessions.cookie, of: cookie, on: server, at: context.now)
  }
}

extension Client {
  /// Ends this connection's sessions; the assignments expire after the hold time.
  mutating func leaveAffinity(_ context: inout LoopContext) {
    routed = nil
    snapshot.backend.affinity.addresses.end(&sessions.address, at: context.now)
    snapshot.backend.affinity.cookies.end(&sessions.cookie, at: context.now)
    snapshot.backend.affinity.tunnels.end(&sessions.tunnel, at: context.now)
  }
}

extension AffinityStore {
  /// The client that sends the request, by its cookie.
  fileprivate func client(of request: RequestHead, _ cookie: SessionCookie, in buffer: borrowing Buffer) -> ClientKey? {
    let bytes = buffer.bytes
    return cookie.value(in: request, of: bytes).map { client(ofToken: $0.slice(of: bytes)) }
  }

  /// The client whose session begins with the response.
  fileprivate func client(
    setBy cookie: SessionCookie, in buffer: borrowing Buffer
  ) -> ClientKey? {
    let bytes = buffer.bytes
    return cookie.value(setByAnswer: bytes).map { client(ofToken: $0.slice(of: bytes)) }
  }
}
