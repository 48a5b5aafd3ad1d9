import Domain
import Wire

/// The purpose of a listener.
package enum ListenerPurpose: UInt8, Hashable, Sendable, CaseIterable {
  /// Clients of the service, with TLS or in passthrough mode.
  case service = 1
  /// Plain HTTP, redirected to https.
  case redirect = 2
  /// Clients of the service, relayed without being parsed to the same port of their server.
  case relay = 3
  /// UDP that goes unread to the clients' servers.
  case datagrams = 4
  /// Other nodes of the pair.
  case pair = 5
}

/// The address, purpose and loop of one listening socket.
package struct ListenerIdentity: Hashable, Sendable {
  package var purpose: ListenerPurpose
  package var endpoint: Endpoint
  /// The event loop that accepts from it, from 0. Every loop has its own socket for each address.
  package var loop: UInt16

  package init(purpose: ListenerPurpose, endpoint: Endpoint, loop: UInt16) {
    self.purpose = purpose
    self.endpoint = endpoint
    self.loop = loop
  }
}

/// The supervisor's messages to the worker.
///
/// At the start, in this order: `hello`, `heartbeats`, `configure`, any number of `listener` and `server`, `start`. A
/// reload is another `configure`, any number of `listener`, `withdraw` and `server`, and `start`: these are all of the
/// administrative states. A `server` after that changes one; `nodeFacts`, `nodeVitals`, `reopenLogs`, `trace`,
/// `endTrace` and `stop` are sent at any time after a `start`. Each message is one datagram: the byte of its kind, then the fields in the order of declaration, big-endian.
package enum WorkerCommand: Hashable, Sendable {
  /// The protocol version of all following messages.
  case hello(version: UInt16)
  /// The configuration: YAML text in a sealed memory file that is sent with the message. File name and host name are
  /// those with which the supervisor parsed it. Configurations are numbered from 1. `loops`: the number of event loops.
  case configure(number: UInt64, loops: UInt16, fileName: String, hostName: String)
  /// The page with the loops' turn counters, in a memory file sent with the message, for up to `capacity` loops.
  case heartbeats(capacity: UInt16)
  /// A listening socket, sent with the message.
  case listener(ListenerIdentity)
  /// A listening socket that the new configuration does not use.
  case withdraw(ListenerIdentity)
  /// All has been sent: validate the configuration, and serve.
  case start
  /// Stop accepting, let exchanges finish, and exit within this time.
  case stop(within: Interval)
  /// A server's administrative state; ignored if the configuration has no such server. These commands have increasing
  /// numbers, and those that are not part of a configuration are confirmed with `WorkerEvent.applied`.
  case server(name: String, AdminState, number: UInt64)
  /// This node's report to the pair's other nodes: a piece of an encoded `Pair.NodeFacts`.
  case nodeFacts(BytePiece)
  /// The same about its state: an encoded `Pair.NodeVitals`.
  case nodeVitals([UInt8])
  /// For another node of the pair, about a stream. Sent at any time after the first `start`.
  case stream(StreamMessage, node: String)
  /// Open the file of the access log again, which may have been moved away.
  case reopenLogs
  /// Report what happens to these clients, until the time is over or `endTrace`. At most `TraceOrder.limit` at once.
  case trace(TraceOrder)
  case endTrace(number: UInt32)

  /// Whether the message has one descriptor; otherwise it has none.
  package var carriesDescriptor: Bool {
    switch self {
    case .configure, .heartbeats, .listener: true
    case .hello, .withdraw, .start, .stop, .server, .nodeFacts, .nodeVitals, .stream, .reopenLogs, .trace,
      .endTrace:
      false
    }
  }

  /// The case's name, for logs and errors.
  package var name: String { String("\(self)".prefix { $0 != "(" }) }

  private enum Kind: UInt8 {
    case hello = 1, configure, heartbeats, listener, start, stop, withdraw, server, nodeFacts, nodeVitals, stream
    case reopenLogs, trace, endTrace
  }

  /// The message's bytes, at most `MessageLimit.message`.
  package func encoded() -> [UInt8] {
    switch self {
    case .hello(let version): message(Kind.hello, version)
    case .configure(let number, let loops, let fileName, let hostName):
      message(
        Kind.configure, number, loops, Text(fileName, MessageLimit.name), Text(hostName, MessageLimit.name))
    case .heartbeats(let capacity): message(Kind.heartbeats, capacity)
    case .listener(let identity): message(Kind.listener, identity)
    case .start: message(Kind.start)
    case .stop(let interval): message(Kind.stop, interval.nanoseconds)
    case .withdraw(let identity): message(Kind.withdraw, identity)
    case .server(let name, let state, let number):
      message(Kind.server, Text(name, MessageLimit.name), state, number)
    case .nodeFacts(let piece): message(Kind.nodeFacts, piece)
    case .nodeVitals(let bytes): message(Kind.nodeVitals, Bytes(bytes))
    case .stream(let stream, let node): message(Kind.stream, Text(node, MessageLimit.node), stream)
    case .reopenLogs: message(Kind.reopenLogs)
    case .trace(let order): message(Kind.trace, order)
    case .endTrace(let number): message(Kind.endTrace, number)
    }
  }

  /// Decodes one message; there must be no bytes after it.
  package init(decoding bytes: Span<UInt8>) throws(MessageError) {
    var reader = FieldReader(bytes)
    switch try reader.kind(Kind.self) {
    case .hello: self = .hello(version: try reader.uint16())
    case .configure:
      self = .configure(
        number: try reader.uint64(), loops: try reader.uint16(),
        fileName: try reader.text("file name", limit: MessageLimit.name),
        hostName: try reader.text("host name", limit: MessageLimit.name))
    case .heartbeats: self = .heartbeats(capacity: try reader.uint16())
    case .listener: self = .listener(try reader.identity())
    case .start: self = .start
    case .stop: self = .stop(within: Interval(nanoseconds: try reader.uint64()))
    case .withdraw: self = .withdraw(try reader.identity())
    case .server:
      self = .server(
        name: try reader.text("server name", limit: MessageLimit.name), try reader.adminState(),
        number: try reader.uint64())
    case .nodeFacts: self = .nodeFacts(try reader.piece())
    case .nodeVitals: self = .nodeVitals(try reader.bytes("vitals", limit: MessageLimit.vitals))
    case .stream:
      let node = try reader.text("node", limit: MessageLimit.node)
      self = .stream(try reader.streamMessage(), node: node)
    case .reopenLogs: self = .reopenLogs
    case .trace: self = .trace(try reader.traceOrder())
    case .endTrace: self = .endTrace(number: try reader.uint32())
    }
    try reader.end()
  }
}

extension ListenerIdentity: MessageField {
  func append(to writer: inout ByteWriter) { writer.append(fields: purpose.rawValue, endpoint, loop) }
}

extension FieldReader {
  fileprivate mutating func identity() throws(MessageError) -> ListenerIdentity {
    guard let purpose = ListenerPurpose(rawValue: try uint8()) else { throw .invalidField("purpose") }
    return ListenerIdentity(purpose: purpose, endpoint: try endpoint(), loop: try uint16())
  }
}
