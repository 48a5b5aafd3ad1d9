/// Why a request has its server. The raw value is the code in a trace.
public enum Placement: String, Hashable, Sendable, CaseIterable {
  /// No server is chosen.
  case none
  /// A port or a name is the server's own (`names`, `ports`).
  case dedicated
  /// The server has issued the tunnel's connection id.
  case tunnel
  /// The server of the request before, on the same connection.
  case earlier
  /// The session of the client's cookie is assigned to it.
  case cookie
  /// The server of the cookie's session is unavailable: another one was chosen.
  case cookieLost = "cookie-lost"
  /// The client's address is assigned to it.
  case table
  /// The server of the client's address is unavailable: another one was chosen.
  case tableLost = "table-lost"
  /// The client is unknown: chosen by the hash of its address.
  case hash
  /// The client is unknown, and no other server takes new clients.
  case onlyOne = "only-one"

  /// For people.
  public var words: String {
    switch self {
    case .none: "no server takes it"
    case .dedicated: "the name or port is the server's own"
    case .tunnel: "the tunnel's connection id was issued there"
    case .earlier: "as the request before on this connection"
    case .cookie: "its session cookie is assigned there"
    case .cookieLost: "the server of its session cookie is unavailable"
    case .table: "its address is assigned there"
    case .tableLost: "the server of its address is unavailable"
    case .hash: "not assigned before: by the hash of the address"
    case .onlyOne: "not assigned before, and no other server takes new clients"
    }
  }
}
