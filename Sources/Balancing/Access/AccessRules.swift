import Wire

/// Which clients may use a service, and which paths of it. Immutable; made when a configuration is loaded.
///
/// A request is refused if the service's networks refuse its client, or those of the most specific path rule that it falls
/// under. A path rule cannot admit a client that the service refuses.
public final class AccessRules: Sendable {
  /// A rule for a path and everything below it.
  private struct PathRule: Sendable {
    let networks: NetworkTable
    /// Its position in the order given.
    let position: Int
  }

  /// What is decided for a request.
  public enum Decision: Hashable, Sendable {
    case allowed
    /// By the networks of the service.
    case refusedByService
    /// By the path rule with this index in the order given.
    case refusedByPath(Int)
    /// The path has no one meaning, and a path rule refuses the client.
    case ambiguousPath
  }

  private let service: NetworkTable
  /// The longest path first: of two that a request falls under, the longer one is more specific.
  private let rules: [PathRule]
  /// Their paths, one after another, in the form of `ComparedPath`: in one array, of which a request takes one reference.
  private let octets: [UInt8]
  /// The end of each path in `octets`.
  private let ends: [Int]

  /// `paths`: each in the form of `ComparedPath`, and different.
  public init(service: NetworkTable, paths: [(path: String, networks: NetworkTable)]) {
    self.service = service
    let sorted = paths.enumerated().sorted { $0.element.path.utf8.count > $1.element.path.utf8.count }
    rules = sorted.map { PathRule(networks: $0.element.networks, position: $0.offset) }
    var octets: [UInt8] = []
    var ends: [Int] = []
    for (_, rule) in sorted {
      octets += Array(rule.path.utf8)
      ends.append(octets.count)
    }
    (self.octets, self.ends) = (octets, ends)
  }

  /// Whether a client may use the service at all; nil: a trusted proxy does not say who it is.
  public func allows(_ client: IPAddress?) -> Bool { service.allows(client) }

  /// Decides a request; `path`: as received, without the query.
  ///
  /// Only a path that is the rule's own, octet by octet, is left to the most specific rule alone. Any other spelling may
  /// mean another path to the server, so it must be admitted by every rule that it may fall under: by all, if it has no one
  /// meaning.
  public func decide(_ client: IPAddress?, path: Span<UInt8>) -> Decision {
    guard service.allows(client) else { return .refusedByService }
    guard !ends.isEmpty else { return .allowed }
    guard !path.isPlainPath else { return decide(client) { path.isPlainlyWithin($0) } }
    guard let compared = ComparedPath(path) else {
      return rules.allSatisfy { $0.networks.allows(client) } ? .allowed : .ambiguousPath
    }
    return decide(client) { (compared.isWithin($0), false) }
  }

  @inline(always)
  private func decide(
    _ client: IPAddress?, compare: (Span<UInt8>) -> (isWithin: Bool, isExact: Bool)
  ) -> Decision {
    let (octets, ends) = (octets, ends)
    let span = octets.span
    var start = 0
    for index in ends.indices {
      let (isWithin, isExact) = compare(span.extracting(start..<ends[index]))
      start = ends[index]
      guard isWithin else { continue }
      guard rules[index].networks.allows(client) else { return .refusedByPath(rules[index].position) }
      if isExact { return .allowed }
    }
    return .allowed
  }
}
