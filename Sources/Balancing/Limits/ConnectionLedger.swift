/// How many client connections are open, in all and by client. Not locked. A client is in it only while it has a
/// connection, so that it never holds more entries than there are connections.
///
/// Invariant: every client's count is at least 1.
public struct ConnectionLedger: ~Copyable {
  /// A number for a client, as small as can be, for as long as it has a connection: what is counted of it elsewhere is in
  /// an array. Each connection of a proxy has one of its own, as it may be anybody's.
  public typealias Account = UInt32

  private struct Entry {
    /// Nil for a connection of a proxy.
    var client: ClientKey?
    var open = 0
  }

  /// Connections of one client: an IPv4 address, or an IPv6 network of hosts that are one customer. Nil: no limit.
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

  /// Clients with a connection, proxies not among them.
  public var clientCount: Int { accounts.count }

  /// Notes a new connection; nil when the client has as many as it may have. One that is a proxy brings others'
  /// connections, and has no limit of its own.
  public mutating func open(_ client: ClientKey, isProxy: Bool = false) -> Account? {
    let known = isProxy ? nil : accounts[client]
    if let limitPerClient, !isProxy, known.map({ entries[Int($0)].open }) ?? 0 >= limitPerClient {
      return nil
    }
    let account = known ?? makeAccount(of: isProxy ? nil : client)
    entries[Int(account)].open += 1
    count += 1
    peak = max(peak, count)
    return account
  }

  /// The most connections that were open at once since the call before.
  public mutating func takePeak() -> Int {
    defer { peak = count }
    return peak
  }

  /// Notes the end of a connection that `open` took.
  public mutating func close(_ account: Account) {
    precondition(
      Int(account) < entries.count && entries[Int(account)].open > 0, "closed a connection that was not open")
    count -= 1
    entries[Int(account)].open -= 1
    guard entries[Int(account)].open == 0 else { return }
    if let client = entries[Int(account)].client { accounts[client] = nil }
    free.append(account)
  }

  private mutating func makeAccount(of client: ClientKey?) -> Account {
    let account: Account
    if let last = free.popLast() {
      account = last
      entries[Int(account)].client = client
    } else {
      account = Account(entries.count)
      entries.append(Entry(client: client))
    }
    if let client { accounts[client] = account }
    return account
  }
}
