import Wire

/// The administrative state of a server, which takes precedence over its health checks and the configuration, or of a
/// service (`AdminSubject`). It is complete, not a change.
public struct AdminState: Codable, Hashable, Sendable, CustomStringConvertible {
  /// As in commands; ready is the absence of a mode.
  public enum Mode: String, CaseIterable, Codable, Sendable {
    /// Assigned clients stay, new ones are routed to other servers.
    case drain
    /// No clients.
    case maintenance
  }

  /// Nil: as its health checks permit.
  public var mode: Mode?
  /// Its share of new clients; nil: the configured one.
  public var weight: Int?
  public var since: WallTime
  /// The node of the pair where it was requested; nil without a pair.
  public var node: String?

  public init(mode: Mode? = nil, weight: Int? = nil, since: WallTime, node: String? = nil) {
    self.mode = mode
    self.weight = weight
    self.since = since
    self.node = node
  }

  /// Whether nothing is set. It is still a state in a pair, where it ends an earlier one.
  public var isReady: Bool { mode == nil && weight == nil }

  /// Whether it replaces another state of the same server: on every node of a pair, the later request counts.
  public func isLater(than other: AdminState) -> Bool {
    (since, node ?? "") > (other.since, other.node ?? "")
  }

  /// Values that are not set are encoded as null, except the node.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(mode, forKey: .mode)
    try members.encode(weight, forKey: .weight)
    try members.encode(since, forKey: .since)
    try members.encodeIfPresent(node, forKey: .node)
  }

  /// `drain, weight 5`, or `ready`.
  public var description: String {
    isReady ? "ready" : [mode?.rawValue, weight.map { "weight \($0)" }].compactMap { $0 }.joined(separator: ", ")
  }
}

/// As part of a message: a byte of the mode, 0 for none, the weight in two bytes, where all bits set stands for the
/// configured one, since when in milliseconds, and the node, a byte of length, 0 for none, and its name.
extension AdminState {
  /// Appends the encoded bytes. A node whose name is not valid is left out.
  public func append(to writer: inout ByteWriter) {
    writer.append(mode.flatMap { Mode.allCases.firstIndex(of: $0) }.map { UInt8($0 + 1) } ?? 0)
    writer.append(bigEndian: weight.map { UInt16(clamping: $0) } ?? .max)
    writer.append(bigEndian: since.milliseconds)
    let name = node.flatMap { ServerName.isValid($0) ? $0 : nil } ?? ""
    writer.append(UInt8(name.utf8.count))
    for byte in name.utf8 { writer.append(byte) }
  }

  /// Reads what `append` has written; nil where the mode is one of a later release.
  public init?(reading reader: inout ByteReader) throws(FieldError) {
    let mode: Int
    let weight: UInt16
    let milliseconds: UInt64
    let node: String
    do throws(ByteReader.Failure) {
      mode = Int(try reader.readUInt8())
      weight = try reader.readUInt16()
      milliseconds = try reader.readUInt64()
      node = String(decoding: try reader.readArray(Int(try reader.readUInt8())), as: UTF8.self)
    } catch { throw .truncated }
    guard ServerWeight.range ~= Int(weight) || weight == .max else { throw .invalidField("weight") }
    guard let since = WallTime(exactMilliseconds: milliseconds) else { throw .invalidField("time") }
    guard node.isEmpty || ServerName.isValid(node) else { throw .invalidField("node") }
    guard mode <= Mode.allCases.count else { return nil }
    self.init(
      mode: mode == 0 ? nil : Mode.allCases[mode - 1], weight: weight == .max ? nil : Int(weight), since: since,
      node: node.isEmpty ? nil : node)
  }
}
