/// How many client connections are open, in all and by client. Not locked. A client is in it only while it has a
/// connection, so that it never holds more entries than there are connections.
///
/// Invariants: `0 ≤ count ≤ limit` unless the limit was lowered; every client's count is at least 1.
package struct ConnectionLedger: ~Copyable {
  /// Which limit a connection would break.
  package enum Refusal: Sendable {
    case total
    case perClient
  }

  /// Connections in all.
  package var limit: Int
  /// Connections of one client: an IPv4 address, or an IPv6 network of hosts that are one customer. Nil: no limit.
  package var limitPerClient: Int?
  /// Connections that are open.
  package private(set) var count = 0

  private var counts: [ClientKey: Int] = [:]

  package init(limit: Int, limitPerClient: Int? = nil) {
    self.limit = limit
    self.limitPerClient = limitPerClient
  }

  /// Clients with a connection.
  package var clientCount: Int { counts.count }

  /// Notes a new connection, nil, or says why it may not be: `total` only to whom room in all would help. A client that
  /// is a proxy brings others' connections, and has no limit of its own.
  package mutating func open(_ client: ClientKey, isProxy: Bool = false) -> Refusal? {
    let open = counts[client] ?? 0
    if let limitPerClient, !isProxy, open >= limitPerClient { return .perClient }
    guard count < limit else { return .total }
    counts[client] = open + 1
    count += 1
    return nil
  }

  /// Notes the end of a connection that `open` took.
  package mutating func close(_ client: ClientKey) {
    guard let open = counts[client] else { preconditionFailure("closed a connection that was not open") }
    counts[client] = open > 1 ? open - 1 : nil
    count -= 1
  }
}
