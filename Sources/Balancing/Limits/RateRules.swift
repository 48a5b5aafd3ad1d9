import Wire

/// The rates of a configuration. Immutable; made when it is loaded.
public final class RateRules: Sendable {
  /// What is counted.
  public enum Subject: String, CaseIterable, Sendable {
    case connections, handshakes, requests
  }

  private let connections, handshakes, requests: Rate?
  /// Nil without exceptions.
  private let exceptions: NetworkTable?
  /// Whether clients above their rate are only counted and logged.
  public let isTrial: Bool

  /// Clients in `exceptions` have no rate.
  public init(connections: Rate?, handshakes: Rate?, requests: Rate?, exceptions: [IPPrefix], isTrial: Bool) {
    self.connections = connections
    self.handshakes = handshakes
    self.requests = requests
    self.exceptions = exceptions.isEmpty ? nil : NetworkTable(allow: exceptions, deny: [])
    self.isTrial = isTrial
  }

  /// The rate of a client; nil if it has none.
  public func rate(of subject: Subject, for client: IPAddress) -> Rate? {
    let rate: Rate? =
      switch subject {
      case .connections: connections
      case .handshakes: handshakes
      case .requests: requests
      }
    guard let rate, exceptions?.allows(client) != true else { return nil }
    return rate
  }
}
