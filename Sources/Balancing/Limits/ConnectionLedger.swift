/// How many client connections are open, in all and by client. Not locked. A client is in it only while it has a
/// connection, or a request on a proxy's, so that it never holds more entries than twice the connections.
///
/// Invariant: every client's count is at least 1.
public struct ConnectionLedger: ~Copyable {
  /// A number for a client, as small as can be, for as long as it has something here: what is counted of it elsewhere is in
  /// an array. Each connection of a proxy has one of its own, as it may be anybody's.
  public typealias Account = UInt32

  private struct Entry {
    /// Nil for a connection of a proxy.
    var client: ClientKey?
    var open = 1
  }

  /// Connections, and requests through proxies, of one client: an IPv4 address, or an IPv6 network of hosts that are one
  /// customer. Nil: no limit.
  public var limitPerClient: Int?
  /// Connections that are open.
  public private(set) var count = 0
  /// The most that were open at once since this was asked last.
  private var peak = 0

  /// By account.
  private var entries: [Entry] = []
  private var free: [Account] = []
  private var accounts: [ClientKey: Account] = [:]

  public init(limitPerClient: Int? = nil) {
    self.limitPerClient = limitPerClient
  }

  /// Clients that have something here, proxies not among them.
  public var clientCount: Int { accounts.count }

  /// Notes a new connection; nil when the client has as many as it may have. One that is a proxy brings others'
  /// connections, and has no limit of its own.
  public mutating func open(_ client: ClientKey, isProxy: Bool = false) -> Account? {
    let (account, isAllowed) = isProxy ? (makeAccount(of: nil), true) : enter(client)
    guard isAllowed else {
      leave(account)
      return nil
    }
    count += 1
    peak = max(peak, count)
    return account
  }

  /// Counts what a proxy's connection carries for the client that it is for, until `leave`, as a connection of its own.
  /// `isAllowed`: the client has no more than it may have.
  public mutating func enter(_ client: ClientKey) -> (account: Account, isAllowed: Bool) {
    guard let known = accounts[client] else { return (makeAccount(of: client), true) }
    entries[Int(known)].open += 1
    return (known, entries[Int(known)].open <= limitPerClient ?? .max)
  }

  /// The most connections that were open at once since the call before.
  public mutating func takePeak() -> Int {
    defer { peak = count }
    return peak
  }

  /// Notes the end of a connection that `open` took.
  public mutating func close(_ account: Account) {
    count -= 1
    leave(account)
  }

  /// Notes the end of what `enter` took.
  public mutating func leave(_ account: Account) {
    precondition(Int(account) < entries.count && entries[Int(account)].open > 0, "closed what was not open")
    entries[Int(account)].open -= 1
    guard entries[Int(account)].open == 0 else { return }
    if let client = entries[Int(account)].client { accounts[client] = nil }
    free.append(account)
  }

  /// An account with one thing open.
  private mutating func makeAccount(of client: ClientKey?) -> Account {
    let account: Account
    if let last = free.popLast() {
      account = last
      entries[Int(account)] = Entry(client: client)
    } else {
      account = Account(entries.count)
      entries.append(Entry(client: client))
    }
    if let client { accounts[client] = account }
    return account
  }
}
