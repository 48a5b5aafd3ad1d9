/// Counts open client connections, in total and by client. Not thread-safe. A client has an entry only while it has a
/// connection, or a request over a proxy's, so there are at most twice as many entries as connections.
///
/// Invariant: every client's count is at least 1.
public struct ConnectionLedger: ~Copyable {
  /// A small number for a client, valid while it has an entry, so that other counts can be kept in arrays. Each
  /// connection of a proxy has its own, since it may carry requests of any client.
  public typealias Account = UInt32

  private struct Entry {
    /// Nil for a connection of a proxy.
    var client: ClientKey?
    var open = 1
  }

  /// The most connections, and requests through proxies, of one client: an IPv4 address, or an IPv6 network that
  /// belongs to one customer. Nil: no limit.
  public var limitPerClient: Int?
  /// The number of open connections.
  public private(set) var count = 0
  /// The most connections open at once since the last `takePeak`.
  private var peak = 0

  /// By account.
  private var entries: [Entry] = []
  private var free: [Account] = []
  private var accounts: [ClientKey: Account] = [:]

  public init(limitPerClient: Int? = nil) {
    self.limitPerClient = limitPerClient
  }

  /// The number of clients with an entry, without proxies.
  public var clientCount: Int { accounts.count }

  /// Records a new connection; nil when the client has reached its limit. A proxy has no limit, since it carries
  /// connections of others.
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

  /// Whether `open` would admit another connection of the client.
  public func hasRoom(for client: ClientKey) -> Bool {
    accounts[client].map { entries[Int($0)].open < limitPerClient ?? .max } ?? true
  }

  /// Counts a client's request over a proxy's connection like a connection of its own, until `leave`. `isAllowed`: the
  /// client is within its limit.
  public mutating func enter(_ client: ClientKey) -> (account: Account, isAllowed: Bool) {
    guard let known = accounts[client] else { return (makeAccount(of: client), true) }
    entries[Int(known)].open += 1
    return (known, entries[Int(known)].open <= limitPerClient ?? .max)
  }

  /// The most connections open at once since the last call.
  public mutating func takePeak() -> Int {
    defer { peak = count }
    return peak
  }

  /// Records the end of a connection from `open`.
  public mutating func close(_ account: Account) {
    count -= 1
    leave(account)
  }

  /// Records the end of a request from `enter`.
  public mutating func leave(_ account: Account) {
    precondition(Int(account) < entries.count && entries[Int(account)].open > 0, "closed what was not open")
    entries[Int(account)].open -= 1
    guard entries[Int(account)].open == 0 else { return }
    if let client = entries[Int(account)].client { accounts[client] = nil }
    free.append(account)
  }

  /// Creates an account with a count of 1.
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
