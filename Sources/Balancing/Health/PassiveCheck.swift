import Wire

/// What clients meet at a server while requests fail there: whether it is to get no new ones for a while.
///
/// Clients are counted, not requests, and one that got any answer counts as served: neither one client, nor a page that
/// does not answer to clients whose other requests are answered, makes a server suspected. Nothing is noted while nothing
/// fails, and nothing is decided before those who met a hiccup have come again.
public struct PassiveCheck: Sendable {
  /// What is noted is forgotten so long after the failure that it began with.
  public static let window = Interval.seconds(30)
  /// Nothing is decided for so long after that failure.
  public static let delay = Interval.seconds(5)
  /// How long a server is suspected.
  public static let pause = Interval.minutes(2)
  /// So many clients at least have only met failures, and more than half of all clients in the window.
  public static let fewestFailing = 4
  /// Clients that are noted; what others meet in the same window is passed over.
  public static let clientLimit = 64

  /// The failure that the window began with; nil while nothing fails.
  private var began: Instant?
  /// Whether each of the window's clients got an answer.
  private var clients: [ClientKey: Bool] = [:]

  /// Of the clients in a window.
  public struct Finding: Hashable, Sendable {
    public let failing: Int
    public let clients: Int
  }

  public init() {}

  /// Answers are of interest.
  public var isWatching: Bool { began != nil }

  /// A client's request has failed. Answers with what makes the server suspected from now on; what comes then is noted anew.
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

  /// A client got an answer, whatever its status.
  public mutating func answered(_ client: ClientKey, at now: Instant) {
    forget(at: now)
    guard isWatching, clients.count < PassiveCheck.clientLimit || clients[client] != nil else { return }
    clients[client] = true
  }

  private mutating func forget(at now: Instant) {
    if let began, now - began > PassiveCheck.window { self = PassiveCheck() }
  }
}
