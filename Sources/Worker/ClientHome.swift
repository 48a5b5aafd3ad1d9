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
  /// the roster says.
  mutating func choose(_ world: inout World) -> Int? {
    let epoch = generation.roster.epoch
    let cookie = requestCookie(world)
    if tried.isEmpty, let routed, routed.epoch == epoch, routed.cookie == cookie { return routed.server }
    let isRemembered = generation.isByAddress
    let choice = generation.roster.route(
      isRemembered ? identity : identity.connection(fromPort: peer.port), isRemembered: isRemembered, cookie: cookie,
      tried: tried, at: world.now)
    guard let choice else { return nil }
    let id = generation.roster.servers[choice.server].id
    if let cookie, choice.basis != .client { remember(cookie: cookie, on: id, world) }
    // Who comes by a cookie says nothing about others at the same address.
    if isRemembered, choice.basis != .cookie, session?.server != id {
      if let session { world.fleet.homes.addresses.sessionEnded(session, at: world.now) }
      session = world.fleet.homes.addresses.sessionBegan(identity, on: id, at: world.now)
    }
    routed = (choice.server, epoch, cookie)
    return choice.server
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
