import Domain
import Wire

/// What a listener is for.
package enum ListenerPurpose: UInt8, Hashable, Sendable, CaseIterable {
  /// Clients of the service, over TLS or passed through unread.
  case service = 1
  /// Plain HTTP, answered with a redirect to https.
  case redirect = 2
  /// Clients of the service, relayed unread to the same port of their server.
  case relay = 3
}

/// One listening socket's place.
package struct ListenerPlace: Hashable, Sendable {
  package var purpose: ListenerPurpose
  package var endpoint: Endpoint
  /// The event loop that accepts from it, counted from 0. Every loop has a socket of its own for each address.
  package var loop: UInt16

  package init(purpose: ListenerPurpose, endpoint: Endpoint, loop: UInt16) {
    self.purpose = purpose
    self.endpoint = endpoint
    self.loop = loop
  }
}

/// What the supervisor tells the worker.
///
/// At start, in this order: `hello`, `heartbeats`, `configure`, any number of `listener`, `start`. A reload is another
/// `configure`, any number of `listener` and `withdraw`, `start`. What operators want of servers comes as `server`,
/// before the first `start` and at any time after it, `stop` at any time after it. One datagram a
/// message: a byte of kind, then the fields as they are declared, big-endian.
package enum WorkerCommand: Hashable, Sendable {
  /// The version of all messages that follow.
  case hello(version: UInt16)
  /// The configuration, YAML text in a sealed memory file that comes with the message. File name and host name are
  /// those that the supervisor read it with. Configurations are numbered from 1. As many event loops are to run as `loops`
  /// says.
  case configure(number: UInt64, loops: UInt16, fileName: String, hostName: String)
  /// The page that loops count their turns in, a memory file that comes with the message, with room for this many.
  case heartbeats(capacity: UInt16)
  /// A listening socket, which comes with the message.
  case listener(ListenerPlace)
  /// A listening socket that the new configuration has no use for.
  case withdraw(ListenerPlace)
  /// Everything has been sent: check it, and serve.
  case start
  /// Accept no more, let exchanges finish, and end within this time.
  case stop(within: Interval)
  /// What an operator wants of a server; one that the configuration does not name is passed over. Such commands are
  /// numbered upwards, and `WorkerEvent.applied` answers those that come after the first `start`.
  case server(name: String, AdminState, number: UInt64)

  /// Whether one descriptor comes with the message; otherwise none does.
  package var carriesDescriptor: Bool {
    switch self {
    case .configure, .heartbeats, .listener: true
    case .hello, .withdraw, .start, .stop, .server: false
    }
  }

  /// The case's name, for logs and errors.
  package var name: String { String("\(self)".prefix { $0 != "(" }) }

  private enum Kind: UInt8 { case hello = 1, configure, heartbeats, listener, start, stop, withdraw, server }

  /// The message's bytes, at most `MessageLimit.message`.
  package func encoded() -> [UInt8] {
    switch self {
    case .hello(let version): message(Kind.hello, version)
    case .configure(let number, let loops, let fileName, let hostName):
      message(
        Kind.configure, number, loops, Text(fileName, MessageLimit.name), Text(hostName, MessageLimit.name))
    case .heartbeats(let capacity): message(Kind.heartbeats, capacity)
    case .listener(let place): message(Kind.listener, place)
    case .start: message(Kind.start)
    case .stop(let interval): message(Kind.stop, interval.nanoseconds)
    case .withdraw(let place): message(Kind.withdraw, place)
    case .server(let name, let state, let number):
      message(Kind.server, Text(name, MessageLimit.name), state, number)
    }
  }

  /// Reads one message, which must be nothing but the message.
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
    case .listener: self = .listener(try reader.place())
    case .start: self = .start
    case .stop: self = .stop(within: Interval(nanoseconds: try reader.uint64()))
    case .withdraw: self = .withdraw(try reader.place())
    case .server:
      self = .server(
        name: try reader.text("server name", limit: MessageLimit.name), try reader.adminState(),
        number: try reader.uint64())
    }
    try reader.end()
  }
}

extension ListenerPlace: MessageField {
  func append(to writer: inout ByteWriter) { writer.append(fields: purpose.rawValue, endpoint, loop) }
}

extension FieldReader {
  fileprivate mutating func place() throws(MessageError) -> ListenerPlace {
    guard let purpose = ListenerPurpose(rawValue: try uint8()) else { throw .invalidField("purpose") }
    return ListenerPlace(purpose: purpose, endpoint: try endpoint(), loop: try uint16())
  }
}
