import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// Which server this client's requests belong to, and what is remembered of that.
extension ClientConnection {
  /// The server of this request: the one that the request before had, unless something changed or it failed; else what
  /// the backend says. Only a client that is assigned to it already is noted at once, as connected; see `assignServer`.
  mutating func choose(_ context: inout LoopContext) -> Int? {
    let epoch = snapshot.backend.epoch
    let cookie = requestCookie(context)
    if tried.isEmpty, let routed, routed.epoch == epoch, routed.cookie == cookie { return routed.server }
    let isRemembered = snapshot.isByAddress
    let choice = snapshot.backend.route(
      isRemembered ? identity : identity.connection(fromPort: peer.port), isRemembered: isRemembered, cookie: cookie,
      tried: tried, at: context.now)
    guard let choice else { return nil }
    routed = (choice.server, epoch, cookie)
    unsettled = choice.basis
    if choice.isAssigned { assignServer(choice.basis, context) }
    return choice.server
  }

  /// The server chosen has answered: the client is assigned to it from now on. Before that nobody knows whether it can
  /// serve anybody, and an assignment outlives an outage: a server that does not answer keeps no client, and one that
  /// stood in for it for a moment takes none. An answer is the head of a response, whatever its status; where
  /// connections are passed through, the server's first byte, since a kernel completes connections for a process that hangs.
  mutating func assignServer(_ basis: Backend.Choice.Basis, _ context: borrowing LoopContext) {
    unsettled = nil
    guard let routed else { return }
    let id = snapshot.backend.servers[routed.server].id
    if let cookie = routed.cookie, basis != .client { remember(cookie: cookie, on: id, context) }
    // Who comes by a cookie says nothing about others at the same address.
    guard snapshot.isByAddress, basis != .cookie, session?.server != id else { return }
    if let session { context.sharedState.affinity.addresses.sessionEnded(session, at: context.now) }
    session = context.sharedState.affinity.addresses.sessionBegan(identity, on: id, at: context.now)
  }

  /// The final answer's head is here, at the start of its connection's input: a session that it begins is assigned
  /// to this server.
  mutating func learnCookie(from connection: SlabKey, _ context: inout LoopContext) {
    guard let cookie = snapshot.cookie, let server else { return }
    let affinity = context.sharedState.affinity
    guard let client = affinity.client(setBy: cookie, in: context.servers[connection].input) else { return }
    remember(cookie: client, on: snapshot.backend.servers[server].id, context)
  }

  /// Forgets nobody, but this connection keeps nobody remembered any more.
  mutating func leaveAffinity(_ context: borrowing LoopContext) {
    if let session { context.sharedState.affinity.addresses.sessionEnded(session, at: context.now) }
    if let cookieSession { context.sharedState.affinity.cookies.sessionEnded(cookieSession, at: context.now) }
  }

  private func requestCookie(_ context: borrowing LoopContext) -> ClientKey? {
    guard let cookie = snapshot.cookie, let request = exchange.value.request else { return nil }
    return context.sharedState.affinity.client(of: request, cookie, in: input)
  }

  private mutating func remember(cookie: ClientKey, on server: ServerID, _ context: borrowing LoopContext) {
    let cookies = context.sharedState.affinity.cookies
    if let cookieSession { cookies.sessionEnded(cookieSession, at: context.now) }
    cookieSession = cookies.sessionBegan(cookie, on: server, at: context.now)
  }
}

extension AffinityStore {
  /// Who sends the request, by its cookie.
  fileprivate func client(of request: RequestHead, _ cookie: SessionCookie, in buffer: borrowing Buffer) -> ClientKey? {
    let bytes = buffer.bytes
    return cookie.value(in: request, of: bytes).map { client(ofCookie: $0.slice(of: bytes)) }
  }

  /// Whose session the answer begins.
  fileprivate func client(
    setBy cookie: SessionCookie, in buffer: borrowing Buffer
  ) -> ClientKey? {
    let bytes = buffer.bytes
    return cookie.value(setByAnswer: bytes).map { client(ofCookie: $0.slice(of: bytes)) }
  }
}
