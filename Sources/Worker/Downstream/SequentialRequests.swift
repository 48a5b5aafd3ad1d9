import Exchange
import Linux
import Wire

/// The requests of a client's connection, of which HTTP/1.1 has one at a time, and what one leaves to the next.
///
/// That there is one is known here and in `ClientConnection`, which shares its timer and its turns with it. What wakes
/// a request names it by its key, and a request has its client, its snapshot and its server to itself.
struct SequentialRequests: ~Copyable {
  /// Nothing is leased before the client has begun a request.
  var current = Leased<ActiveExchange>()
  /// The number of request heads received.
  var begun = 0
  /// The server's connection that is kept for this client between two exchanges.
  var kept: SlabKey?
  /// How many rules have refused since the last one that they admitted.
  var refused = 0
  /// The client of the previous request, if a trusted proxy sent it.
  var earlier: Endpoint?
  /// Whether the server's connection is reserved for this client, as decided by an exchange.
  private var isPrivate = false

  /// Whether no request is under way.
  var isEmpty: Bool { !current.isLeased }

  /// Whether this request is under way.
  func contains(_ request: RequestKey) -> Bool {
    current.isLeased && current.value.exchange.number == request.number
  }

  /// The connection has been ready for the next request `since`.
  mutating func begin(on client: inout Client, since: Instant, _ context: inout LoopContext) {
    let (number, isPrivate, kept) = (begun + 1, isPrivate, kept)
    let (kind, snapshot) = (client.entrance.kind, client.snapshot)
    context.leases.exchanges.lease(
      &current,
      ActiveExchange(
        exchange: Exchange(
          number: number, isPrivate: isPrivate, kind: kind, retries: snapshot.policy.retries, at: since),
        snapshot: snapshot, connection: kept))
    guard let kept else { return }
    context.servers[kept].request = current.value.key(on: client)
    self.kept = nil
  }

  /// Cleans up after a request.
  mutating func end(on client: inout Client, _ context: inout LoopContext) {
    isPrivate = current.value.exchange.isPrivate
    kept = current.value.connection
    if current.value.origin != nil { current.value.forgetOrigin(&client, &context) }
    context.leases.exchanges.giveBack(&current)
  }
}
