import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// Which server this client's requests belong to, and what is remembered of that.
extension Client {
  /// The server of this request: the one that the request before had, unless something changed or it failed; else what
  /// the roster says. Only who is at home there already is noted at once, as connected; see `assignHome`.
  mutating func choose(_ world: inout World) -> Int? {
    let epoch = generation.roster.epoch
    let cookie = requestCookie(world)
    if tried.isEmpty, let routed, routed.epoch == epoch, routed.cookie == cookie { return routed.server }
    let isRemembered = generation.isByAddress
    let choice = generation.roster.route(
      isRemembered ? identity : identity.connection(fromPort: peer.port), isRemembered: isRemembered, cookie: cookie,
      tried: tried, at: world.now)
    guard let choice else { return nil }
    routed = (choice.server, epoch, cookie)
    unsettled = choice.basis
    if choice.isHome { assignHome(choice.basis, world) }
    return choice.server
  }

  /// The server chosen has answered: the client is at home there from now on. Before that nobody knows whether it can serve
  /// anybody, and a home that is written down outlives an outage: a server that does not answer keeps no client, and one
  /// that stood in for it for a moment takes none. An answer is the head of a response, whatever its status; where
  /// connections are passed through, the server's first byte, since a kernel completes connections for a process that hangs.
  mutating func assignHome(_ basis: Roster.Choice.Basis, _ world: borrowing World) {
    unsettled = nil
    guard let routed else { return }
    let id = generation.roster.servers[routed.server].id
    if let cookie = routed.cookie, basis != .client { remember(cookie: cookie, on: id, world) }
    // Who comes by a cookie says nothing about others at the same address.
    guard generation.isByAddress, basis != .cookie, session?.server != id else { return }
    if let session { world.fleet.homes.addresses.sessionEnded(session, at: world.now) }
    session = world.fleet.homes.addresses.sessionBegan(identity, on: id, at: world.now)
  }

  /// The final answer's head is here, at the start of its connection's input: a session that it begins is at home on
  /// this server.
  mutating func learnCookie(from connection: SlabKey, _ world: inout World) {
    guard let cookie = generation.cookie, let server, let response = exchange.value.response else { return }
    let homes = world.fleet.homes
    guard let client = homes.client(setBy: response, cookie, in: world.servers[connection].input) else { return }
    remember(cookie: client, on: generation.roster.servers[server].id, world)
  }

  /// Forgets nobody, but this connection keeps nobody remembered any more.
  mutating func leaveHomes(_ world: borrowing World) {
    if let session { world.fleet.homes.addresses.sessionEnded(session, at: world.now) }
    if let cookieSession { world.fleet.homes.cookies.sessionEnded(cookieSession, at: world.now) }
  }

  private func requestCookie(_ world: borrowing World) -> ClientKey? {
    guard let cookie = generation.cookie, let request = exchange.value.request else { return nil }
    return world.fleet.homes.client(of: request, cookie, in: input)
  }

  private mutating func remember(cookie: ClientKey, on server: ServerID, _ world: borrowing World) {
    let cookies = world.fleet.homes.cookies
    if let cookieSession { cookies.sessionEnded(cookieSession, at: world.now) }
    cookieSession = cookies.sessionBegan(cookie, on: server, at: world.now)
  }
}

extension Homes {
  /// Who sends the request, by its cookie.
  fileprivate func client(of request: RequestHead, _ cookie: SessionCookie, in buffer: borrowing Buffer) -> ClientKey? {
    let bytes = buffer.bytes
    return cookie.value(in: request, of: bytes).map { client(ofCookie: $0.slice(of: bytes)) }
  }

  /// Whose session the answer begins.
  fileprivate func client(
    setBy response: ResponseHead, _ cookie: SessionCookie, in buffer: borrowing Buffer
  ) -> ClientKey? {
    let bytes = buffer.bytes
    return cookie.value(setBy: response, of: bytes).map { client(ofCookie: $0.slice(of: bytes)) }
  }
}
