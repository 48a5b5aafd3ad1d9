import Wire

/// Evaluates live traffic to a server while requests fail: whether it should get no new clients for a while.
///
/// It counts clients instead of requests, and a client with any response counts as served: neither a single client, nor
/// a page that fails for clients whose other requests are answered, makes a server suspected. Nothing is recorded while
/// nothing fails, and no decision is made until clients have had time to retry.
public struct PassiveCheck: Sendable {
  /// The recorded data is discarded this long after the first failure.
  public static let window = Interval.seconds(30)
  /// No decision is made until this long after the first failure.
  public static let delay = Interval.seconds(5)
  /// How long a server is suspected.
  public static let pause = Interval.minutes(2)
  /// At least this many clients must have had only failures, and they must be more than half of all clients in the
  /// window.
  public static let fewestFailing = 4
  /// The most clients recorded in a window; others are ignored.
  public static let clientLimit = 64

  /// The first failure of the window; nil while nothing fails.
  private var began: Instant?
  /// Whether each client in the window got a response.
  private var clients: [ClientKey: Bool] = [:]

  /// The numbers of clients in a window.
  public struct Finding: Hashable, Sendable {
    public let failing: Int
    public let clients: Int
  }

  public init() {}

  /// Whether responses must be recorded.
  public var isWatching: Bool { began != nil }

  /// Records a failed request of a client. Returns a finding when the server becomes suspected; a new window then
  /// starts.
  public mutating func failed(_ client: ClientKey, at now: Instant) -> Finding? {
    forget(at: now)
    let first = began ?? now
    began = first
    if clients.count < PassiveCheck.clientLimit, clients[client] == nil { clients[client] = false }
    guard now - first >= PassiveCheck.delay else { return nil }
    let finding = Finding(failing: clients.values.count { !$0 }, clients: clients.count)
    guard finding.failing >= PassiveCheck.fewestFailing, 2 * finding.failing > finding.clients else { return nil }
    self = PassiveCheck()
    return finding
  }

  /// Records a response to a client, whatever its status.
  public mutating func answered(_ client: ClientKey, at now: Instant) {
    forget(at: now)
    guard isWatching, clients.count < PassiveCheck.clientLimit || clients[client] != nil else { return }
    clients[client] = true
  }

  private mutating func forget(at now: Instant) {
    if let began, now - began > PassiveCheck.window { self = PassiveCheck() }
  }
}
