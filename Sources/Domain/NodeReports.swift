import Wire

// What a node of a pair says of itself: to the other nodes, and in the status.

/// How many servers of a service the node reaches.
public struct NodeService: Codable, Hashable, Sendable {
  /// Empty if it has none.
  public var name: String
  /// Those that are up or in drain.
  public var healthy: UInt16
  /// How many servers it has.
  public var servers: UInt16

  public init(name: String, healthy: UInt16, servers: UInt16) {
    self.name = name
    self.healthy = healthy
    self.servers = servers
  }
}

/// A Connection Server as the node sees it.
public struct NodeServer: Codable, Hashable, Sendable {
  /// Its full name.
  public var name: String
  /// Nil before the first health check, and where a later release has further states.
  @ShownState public var state: ServerState?

  public init(name: String, state: ServerState?) {
    self.name = name
    self.state = state
  }
}

/// A certificate that the node presents to clients.
public struct NodeCertificate: Codable, Hashable, Sendable {
  /// The service's name, empty if it has none.
  public var service: String
  public var fingerprint: Fingerprint
  public var notAfter: WallTime

  public init(service: String, fingerprint: Fingerprint, notAfter: WallTime) {
    self.service = service
    self.fingerprint = fingerprint
    self.notAfter = notAfter
  }

  private enum CodingKeys: String, CodingKey {
    case service, fingerprint
    case notAfter = "not_after"
  }
}

/// Something that is wrong on the node, as its supervisor knows without asking anything: for `belvedere doctor` on
/// another one.
public struct NodeFinding: Codable, Hashable, Sendable {
  /// The check's name there, `configuration`.
  public var check: String
  /// The object's name; empty for the node as a whole.
  public var subject: String
  /// Whether clients are or will be affected; else it is a warning.
  public var isFault: Bool
  /// At most 255 bytes are sent.
  public var text: String

  public init(_ check: String, _ subject: String = "", isFault: Bool, _ text: String) {
    self.check = check
    self.subject = subject
    self.isFault = isFault
    self.text = text
  }

  private enum CodingKeys: String, CodingKey {
    case check, subject, text
    case isFault = "fault"
  }
}
