import Balancing
import Domain
import Wire

/// A message between two nodes. A frame of an unknown kind is skipped, so that later releases can add kinds.
package enum PairMessage: Hashable, Sendable {
  /// The first message in each direction. It and `leave` never change.
  case hello(PairHello)
  /// Sent once a second; `clock` is what the sender's clock of assignments shows.
  case keepalive(clock: AssignmentTime)
  /// The sender closes the connection.
  case leave(reason: String)
  /// Clients of one table; their silence is relative to the sender's `clock`.
  case assignments(AssignmentBatch, clock: AssignmentTime)
  /// All clients that the sender knew at joining have been sent.
  case snapshotEnd
  /// What operators want of servers, by the servers' full names, at most `adminStateLimit`.
  case adminStates([String: AdminState])
  /// A piece of an encoded `NodeFacts`.
  case facts(BytePiece)
  /// An encoded `NodeVitals`. As the facts, these are read where they are used.
  case vitals([UInt8])
  /// About a stream of bytes between processes of the two nodes.
  case stream(StreamMessage)

  package static let adminStateLimit = 64

  private enum Kind: UInt8 {
    case hello = 1, keepalive, leave, assignments, snapshotEnd, adminStates, facts, vitals, stream
  }

  /// The message's name, for errors.
  var name: String { String("\(self)".prefix { $0 != "(" }) }

  /// The message in its frame.
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(limit: PairFrame.payloadLimit)
    let kind: Kind
    switch self {
    case .hello(let hello):
      kind = .hello
      hello.append(to: &writer)
    case .keepalive(let clock):
      kind = .keepalive
      writer.append(bigEndian: clock.nanoseconds)
    case .leave(let reason):
      kind = .leave
      writer.append(text: reason)
    case .assignments(let batch, let clock):
      kind = .assignments
      writer.append(bigEndian: clock.nanoseconds)
      batch.append(to: &writer)
    case .snapshotEnd:
      kind = .snapshotEnd
    case .adminStates(let states):
      kind = .adminStates
      writer.append(bigEndian: UInt16(states.count))
      for (server, state) in states.sorted(by: { $0.key < $1.key }) {
        writer.append(text: server)
        state.append(to: &writer)
      }
    case .facts(let piece):
      kind = .facts
      writer.append((piece.isFirst ? 1 : 0) | (piece.isLast ? 2 : 0))
      writer.append(piece.bytes.span)
    case .vitals(let bytes):
      kind = .vitals
      writer.append(bytes.span)
    case .stream(let message):
      kind = .stream
      message.append(to: &writer)
    }
    return PairFrame.encoded(kind.rawValue, writer.bytes)
  }

  /// Decodes the payload of one frame; nil when this release does not know the kind, the table of assignments or the kind
  /// of a stream's message.
  package init?(kind: UInt8, payload: [UInt8]) throws(PairError) {
    guard let kind = Kind(rawValue: kind) else { return nil }
    guard let message = try decoding({ try PairMessage(kind, payload.span) }) else { return nil }
    self = message
  }

  private init?(_ kind: Kind, _ payload: Span<UInt8>) throws {
    var reader = ByteReader(payload)
    switch kind {
    case .hello: self = .hello(try PairHello(reading: &reader))
    case .keepalive: self = .keepalive(clock: AssignmentTime(nanoseconds: try reader.readUInt64()))
    case .leave: self = .leave(reason: try reader.readText("reason"))
    case .assignments:
      let clock = AssignmentTime(nanoseconds: try reader.readUInt64())
      guard let batch = try AssignmentBatch(reading: &reader) else { return nil }
      self = .assignments(batch, clock: clock)
    case .snapshotEnd: self = .snapshotEnd
    case .adminStates:
      let states = try reader.readList("states", limit: Self.adminStateLimit) {
        (server: try $0.readText("server name"), state: try AdminState(reading: &$0))
      }
      // One message has one encoding.
      guard zip(states, states.dropFirst()).allSatisfy({ $0.server < $1.server }) else {
        throw PairError.invalidField("order of states")
      }
      // A state with a mode that this release does not know is skipped.
      let known = states.compactMap { server, state in state.map { (server, $0) } }
      self = .adminStates(Dictionary(uniqueKeysWithValues: known))
    case .facts:
      let flags = try reader.readUInt8()
      guard flags < 4, reader.remaining <= BytePiece.limit else { throw PairError.invalidField("facts") }
      self = .facts(BytePiece(isFirst: flags & 1 != 0, isLast: flags & 2 != 0, bytes: reader.readRest()))
    case .vitals:
      guard reader.remaining <= NodeVitals.byteLimit else { throw PairError.invalidField("vitals") }
      self = .vitals(reader.readRest())
    case .stream:
      guard let message = try StreamMessage(reading: &reader) else { return nil }
      self = .stream(message)
    }
    try reader.expectEnd()
  }
}

/// Who a node is, and which versions of the protocol it speaks.
package struct PairHello: Hashable, Sendable {
  /// The versions that this release speaks.
  package static let spokenVersions: ClosedRange<UInt16> = 1...1

  package var versions = PairHello.spokenVersions
  /// What the sender's clock of assignments shows.
  package var clock = AssignmentTime(nanoseconds: 0)
  /// A random number for each start of a node's worker.
  package var incarnation: UInt64
  /// As in `pair.nodes`.
  package var name: String
  package var release: String

  package init(name: String, release: String, incarnation: UInt64) {
    self.name = name
    self.release = release
    self.incarnation = incarnation
  }

  private static let magic = Array("BELVPAIR".utf8)

  fileprivate func append(to writer: inout ByteWriter) {
    writer.append(Self.magic.span)
    writer.append(bigEndian: versions.lowerBound)
    writer.append(bigEndian: versions.upperBound)
    writer.append(bigEndian: clock.nanoseconds)
    writer.append(bigEndian: incarnation)
    writer.append(text: name)
    writer.append(text: release)
  }

  fileprivate init(reading reader: inout ByteReader) throws {
    for byte in Self.magic where try reader.readUInt8() != byte { throw PairError.invalidField("protocol") }
    let (lowest, highest) = (try reader.readUInt16(), try reader.readUInt16())
    guard lowest <= highest else { throw PairError.invalidField("versions") }
    versions = lowest...highest
    clock = AssignmentTime(nanoseconds: try reader.readUInt64())
    incarnation = try reader.readUInt64()
    name = try reader.readText("name")
    release = try reader.readText("release")
  }
}

/// Clients of one table and their servers.
package struct AssignmentBatch: Hashable, Sendable {
  /// Maximum of records.
  package static let recordLimit = 900

  /// See `serviceID(of:)`.
  package var service: UInt64
  package var table: AffinityKind
  package var records: [AffinityRecord]

  package init(service: UInt64, table: AffinityKind, records: [AffinityRecord]) {
    self.service = service
    self.table = table
    self.records = records
  }

  /// The identity of a service by its name in the configuration, which is empty if it has none.
  package static func serviceID(of name: String) -> UInt64 { ServerID(name: name).rawValue }

  fileprivate func append(to writer: inout ByteWriter) {
    writer.append(bigEndian: service)
    writer.append(table.rawValue)
    writer.append(bigEndian: UInt16(records.count))
    for record in records { record.append(to: &writer) }
  }

  /// Nil for a table of a later release, whose records are unknown.
  fileprivate init?(reading reader: inout ByteReader) throws {
    service = try reader.readUInt64()
    guard let table = AffinityKind(rawValue: try reader.readUInt8()) else { return nil }
    self.table = table
    records = try reader.readList("clients", limit: Self.recordLimit) { try AffinityRecord(reading: &$0) }
  }
}
