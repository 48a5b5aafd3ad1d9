import Wire

/// Which clients may come in, and how often: the networks of a service (`access`) and the rates of one client (`rates`).
/// Immutable; made when a configuration is loaded.
///
/// The networks decide first, and what they refuse is charged to no rate.
public final class ClientRules: Sendable {
  /// Who asks.
  public enum Client: Hashable, Sendable {
    case named(Endpoint)
    /// A trusted proxy has connected, which names a client with each request.
    case awaited
    /// A trusted proxy does not say who it is: it is in no network, and has no rate.
    case unnamed
  }

  /// What a client is about to do.
  public enum Occasion: Hashable, CaseIterable, Sendable {
    /// To connect to a listener of one service, or of several: the service is known later then.
    case connection, sharedConnection
    case handshake
    /// To use a connection that is relayed without being read, or a flow of datagrams.
    case tunnel, flow
    case request

    /// The rate that it is charged to.
    var subject: RateRules.Subject? {
      switch self {
      case .connection, .sharedConnection: .connections
      case .handshake: .handshakes
      case .request: .requests
      case .tunnel, .flow: nil
      }
    }

    /// Whether a trusted proxy may name the client later.
    var mayBeNamedLater: Bool {
      switch self {
      case .connection, .sharedConnection, .handshake: true
      case .tunnel, .flow, .request: false
      }
    }
  }

  /// A client is above its rate, and may do the same after `wait`.
  public struct Excess: Hashable, Sendable {
    public let subject: RateRules.Subject
    public let rate: Rate
    public let wait: Interval
  }

  /// The rule that refuses a client.
  public enum Refusal: Hashable, Sendable {
    case access(AccessRules.Refusal)
    case rate(Excess)
  }

  /// Whether a client may do what it is about to do.
  public enum Verdict: Hashable, Sendable {
    case admitted
    /// It would be refused if the rates were not on trial.
    case admittedOnTrial(Excess)
    case refused(Refusal)
  }

  private let access: AccessRules?
  private let rates: RateRules?

  /// Nil without any rule, so that none costs nothing.
  public init?(access: AccessRules?, rates: RateRules?) {
    guard access != nil || rates != nil else { return nil }
    (self.access, self.rates) = (access, rates)
  }

  /// Whether paths have rules of their own.
  public var hasPaths: Bool { access?.hasPaths == true }

  /// Decides whether a client may do something. `path`: of a request, as received and without the query. `charge`
  /// decides by the rate, and charges what is allowed.
  public func decide(
    _ client: Client, on occasion: Occasion, path: Span<UInt8> = Span(),
    charge: (RateRules.Subject, ClientKey, Rate) -> Rate.Decision
  ) -> Verdict {
    let address: IPAddress?
    switch client {
    case .named(let endpoint): address = endpoint.address
    case .awaited where occasion.mayBeNamedLater: return .admitted
    case .awaited, .unnamed: address = nil
    }
    if let refusal = refusal(of: address, on: occasion, path: path) { return .refused(.access(refusal)) }
    guard let rates, let address, let subject = occasion.subject, let rate = rates.rate(of: subject, for: address),
      case .refused(let wait) = charge(subject, ClientKey(address), rate)
    else { return .admitted }
    let excess = Excess(subject: subject, rate: rate, wait: wait)
    return rates.isTrial ? .admittedOnTrial(excess) : .refused(.rate(excess))
  }

  private func refusal(of client: IPAddress?, on occasion: Occasion, path: Span<UInt8>) -> AccessRules.Refusal? {
    guard let access, occasion != .sharedConnection else { return nil }
    if occasion == .request { return access.refusal(of: client, path: path) }
    return access.allows(client) ? nil : .service
  }
}
