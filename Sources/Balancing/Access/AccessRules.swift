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

  /// Where a rule's path is in `octets`, and its start, by which most requests are told that they don't fall under it.
  private struct PathStart: BitwiseCopyable, Sendable {
    let offset: Int
    let count: Int
    /// The first octets, as in `foldedStart`, and which of them the path has.
    let start: UInt64
    let mask: UInt64

    init(_ path: Span<UInt8>, at offset: Int) {
      self.offset = offset
      count = path.count
      start = path.foldedStart
      mask = path.count < 8 ? ~(.max << UInt64(path.count * 8)) : .max
    }
  }

  /// What refuses a client.
  public enum Refusal: Hashable, Sendable {
    /// The networks of the service.
    case service
    /// The path rule with this index in the order given.
    case path(Int)
    /// The path has no one meaning, and a path rule refuses the client.
    case ambiguousPath
  }

  private let service: NetworkTable
  /// The longest path first: of two that a request falls under, the longer one is more specific.
  private let rules: [PathRule]
  /// Their paths, one after another, in the form of `ComparedPath`: in one array, of which a request takes one reference.
  private let octets: [UInt8]
  private let starts: [PathStart]

  /// Whether paths have rules of their own.
  public var hasPaths: Bool { !starts.isEmpty }

  /// `paths`: each in the form of `ComparedPath`, and different.
  public init(service: NetworkTable, paths: [(path: String, networks: NetworkTable)]) {
    self.service = service
    let sorted = paths.enumerated().sorted { $0.element.path.utf8.count > $1.element.path.utf8.count }
    rules = sorted.map { PathRule(networks: $0.element.networks, position: $0.offset) }
    var octets: [UInt8] = []
    var starts: [PathStart] = []
    for (_, rule) in sorted {
      let path = Array(rule.path.utf8)
      starts.append(PathStart(path.span, at: octets.count))
      octets += path
    }
    (self.octets, self.starts) = (octets, starts)
  }

  /// Whether a client may use the service at all; nil: a trusted proxy does not say who it is.
  public func allows(_ client: IPAddress?) -> Bool { service.allows(client) }

  /// What refuses a request; nil: it is allowed. `path`: as received, without the query.
  ///
  /// Only a path that is the rule's own, octet by octet, is left to the most specific rule alone. Any other spelling may
  /// mean another path to the server, so it must be admitted by every rule that it may fall under: by all, if it has no one
  /// meaning.
  public func refusal(of client: IPAddress?, path: Span<UInt8>) -> Refusal? {
    guard service.allows(client) else { return .service }
    guard hasPaths else { return nil }
    guard !path.isPlainPath else { return refusal(of: client, start: path.foldedStart) { path.isPlainlyWithin($0) } }
    guard let compared = ComparedPath(path) else {
      return rules.allSatisfy { $0.networks.allows(client) } ? nil : .ambiguousPath
    }
    return refusal(of: client, start: nil) { (compared.isWithin($0), false) }
  }

  /// `start`: the path's, if it is compared as it is.
  @inline(always)
  private func refusal(
    of client: IPAddress?, start: UInt64?, compare: (Span<UInt8>) -> (isWithin: Bool, isExact: Bool)
  ) -> Refusal? {
    let (octets, starts) = (octets, starts)
    let span = octets.span
    for index in starts.indices {
      if let start, (start ^ starts[index].start) & starts[index].mask != 0 { continue }
      let offset = starts[index].offset
      let (isWithin, isExact) = compare(span.extracting(offset..<(offset &+ starts[index].count)))
      guard isWithin else { continue }
      guard rules[index].networks.allows(client) else { return .path(rules[index].position) }
      if isExact { return nil }
    }
    return nil
  }
}
