import Domain
import Wire

/// The worker's messages to the supervisor. They report events and contain no requests.
///
/// `hello` is first, then `ready` or `refused`. Each message is one datagram, as with `WorkerCommand`; none has a
/// descriptor.
package enum WorkerEvent: Hashable, Sendable {
  /// The protocol version of all following messages.
  case hello(version: UInt16)
  /// The configuration of this number is in use on every listener.
  case ready(number: UInt64)
  /// The configuration of this number is unusable, with the reason, for example a certificate that can not be loaded. A
  /// worker without another configuration exits; otherwise it continues with its current one.
  case refused(number: UInt64, reason: String)
  /// A server of the configuration has changed its state.
  case serverChanged(ServerChange)
  /// The worker's load; sent about once a second.
  case load(Load)
  /// The last exchange has ended after `WorkerCommand.stop`. The worker exits.
  case stopped
  /// Every `WorkerCommand.server` up to this number is in force, and the resulting events have been sent.
  case applied(number: UInt64)
  /// A server's load; sent about once a second when it has changed.
  case serverLoad(ServerLoad, of: ServerIdentity)
  /// A server's last health check; sent about once a second when there is a new one.
  case serverCheck(ServerCheck, of: ServerIdentity)
  /// A certificate presented to clients from now on; one message for each when a configuration comes into use. `index`:
  /// its index among the configuration's certificates.
  case certificate(ServedCertificate, index: UInt16, number: UInt64)
  /// An authority of clients or a revocation list that verifies clients from now on, likewise. `index`: the first to end
  /// comes first.
  case clientAuthority(ClientAuthority, index: UInt16, number: UInt64)
  /// A warning or error was logged, for the first time or again.
  case problem(Problem)
  /// What the pair's other nodes know of clients has come, or will not come. Sent once, also without a pair.
  case tablesReceived
  /// A server's administrative state on another node of the pair, which is later than the one known here.
  case adminState(AdminState, server: String)
  /// A report of another node of the pair: a piece of an encoded `Pair.NodeFacts`. No message of another node's
  /// facts is between those of one.
  case nodeFacts(BytePiece, node: String)
  /// The same about its state: an encoded `Pair.NodeVitals`.
  case nodeVitals([UInt8], node: String)
  /// From another node of the pair, about a stream, or the end of one because that node has left.
  case stream(StreamMessage, node: String)
  /// What the worker has counted of a server since its start. This and the following are sent about once a second when
  /// they have changed, and all of them after a reload.
  indirect case serverCounts(ServerCounts, of: ServerIdentity)
  /// The same of a service, by its name, with its present figures.
  indirect case serviceFigures(ServiceFigures, service: String)
  /// The same of everything else.
  indirect case workerCounts(WorkerCounts)
  /// The same of a loop, by its index.
  case loopCounts(LoopCounts, loop: UInt16)
  /// A trace reports something. May come after the end of the trace.
  case traced(TraceEvent, number: UInt32)

  /// The most certificates that are reported; the supervisor keeps no more.
  package static let certificateLimit = 256
  /// The most authorities and revocation lists, likewise.
  package static let authorityLimit = 128

  // The numbers differ from those of the commands, so that a message can not be decoded in the wrong direction.
  private enum Kind: UInt8 {
    case hello = 129, ready, refused, serverChanged, load, stopped, applied, serverLoad, certificate, problem,
      serverCheck, tablesReceived, adminState, nodeFacts, nodeVitals, stream, serverCounts, serviceFigures,
      workerCounts, loopCounts, traced, clientAuthority
  }

  /// The message's bytes, at most `MessageLimit.message`.
  package func encoded() -> [UInt8] {
    switch self {
    case .hello(let version): message(Kind.hello, version)
    case .ready(let number): message(Kind.ready, number)
    case .refused(let number, let reason): message(Kind.refused, number, Text(reason, MessageLimit.reason))
    case .serverChanged(let change): message(Kind.serverChanged, change)
    case .load(let load): message(Kind.load, load)
    case .stopped: message(Kind.stopped)
    case .applied(let number): message(Kind.applied, number)
    case .serverLoad(let load, let identity): message(Kind.serverLoad, identity, load)
    case .serverCheck(let check, let identity): message(Kind.serverCheck, identity, check)
    case .certificate(let certificate, let index, let number):
      message(Kind.certificate, number, index, certificate)
    case .clientAuthority(let authority, let index, let number):
      message(Kind.clientAuthority, number, index, authority)
    case .problem(let problem): message(Kind.problem, problem)
    case .tablesReceived: message(Kind.tablesReceived)
    case .adminState(let state, let server): message(Kind.adminState, Text(server, MessageLimit.name), state)
    case .nodeFacts(let piece, let node): message(Kind.nodeFacts, Text(node, MessageLimit.node), piece)
    case .nodeVitals(let bytes, let node): message(Kind.nodeVitals, Text(node, MessageLimit.node), Bytes(bytes))
    case .stream(let stream, let node): message(Kind.stream, Text(node, MessageLimit.node), stream)
    case .serverCounts(let counts, let identity): message(Kind.serverCounts, identity, Counted(counts))
    case .serviceFigures(let figures, let name):
      message(Kind.serviceFigures, Text(name, MessageLimit.name), figures)
    case .workerCounts(let counts): message(Kind.workerCounts, Counted(counts))
    case .loopCounts(let counts, let loop): message(Kind.loopCounts, loop, Counted(counts))
    case .traced(let event, let number): message(Kind.traced, number, event)
    }
  }

  /// Decodes one message; there must be no bytes after it.
  package init(decoding bytes: Span<UInt8>) throws(MessageError) {
    var reader = FieldReader(bytes)
    switch try reader.kind(Kind.self) {
    case .hello: self = .hello(version: try reader.uint16())
    case .ready: self = .ready(number: try reader.uint64())
    case .refused:
      self = .refused(number: try reader.uint64(), reason: try reader.text("reason", limit: MessageLimit.reason))
    case .serverChanged: self = .serverChanged(try reader.serverChange())
    case .load: self = .load(try reader.load())
    case .stopped: self = .stopped
    case .applied: self = .applied(number: try reader.uint64())
    case .serverLoad:
      let identity = try reader.serverIdentity()
      self = .serverLoad(try reader.serverLoad(), of: identity)
    case .serverCheck:
      let identity = try reader.serverIdentity()
      self = .serverCheck(try reader.serverCheck(), of: identity)
    case .certificate:
      let (number, index) = (try reader.uint64(), try reader.uint16())
      self = .certificate(try reader.servedCertificate(), index: index, number: number)
    case .clientAuthority:
      let (number, index) = (try reader.uint64(), try reader.uint16())
      self = .clientAuthority(try reader.clientAuthority(), index: index, number: number)
    case .problem: self = .problem(try reader.problem())
    case .tablesReceived: self = .tablesReceived
    case .adminState:
      let server = try reader.text("server name", limit: MessageLimit.name)
      self = .adminState(try reader.adminState(), server: server)
    case .nodeFacts:
      let node = try reader.text("node", limit: MessageLimit.node)
      self = .nodeFacts(try reader.piece(), node: node)
    case .nodeVitals:
      let node = try reader.text("node", limit: MessageLimit.node)
      self = .nodeVitals(try reader.bytes("vitals", limit: MessageLimit.vitals), node: node)
    case .stream:
      let node = try reader.text("node", limit: MessageLimit.node)
      self = .stream(try reader.streamMessage(), node: node)
    case .serverCounts:
      let identity = try reader.serverIdentity()
      self = .serverCounts(try reader.counted(), of: identity)
    case .serviceFigures:
      let name = try reader.text("service name", limit: MessageLimit.name)
      self = .serviceFigures(try reader.serviceFigures(), service: name)
    case .workerCounts: self = .workerCounts(try reader.counted())
    case .loopCounts:
      let loop = try reader.uint16()
      self = .loopCounts(try reader.counted(), loop: loop)
    case .traced:
      let number = try reader.uint32()
      self = .traced(try reader.traceEvent(), number: number)
    }
    try reader.end()
  }
}

/// A server's state transition.
package struct ServerChange: Hashable, Sendable {
  /// A reload may have given the name another address since: events of a server are reported until it has no exchanges.
  package var identity: ServerIdentity
  package var state: ServerState
  /// The reason, for the operator.
  package var reason: String

  package init(identity: ServerIdentity, state: ServerState, reason: String) {
    self.identity = identity
    self.state = state
    self.reason = reason
  }
}

extension ServerChange: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(fields: identity, state.rawValue, Text(reason, MessageLimit.reason))
  }
}

extension FieldReader {
  fileprivate mutating func serverChange() throws(MessageError) -> ServerChange {
    let identity = try serverIdentity()
    guard let state = ServerState(rawValue: try uint8()) else { throw .invalidField("server state") }
    return ServerChange(identity: identity, state: state, reason: try text("reason", limit: MessageLimit.reason))
  }
}
