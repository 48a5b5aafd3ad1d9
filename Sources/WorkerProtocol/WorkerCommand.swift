import Wire

/// What a listener is for.
package enum ListenerPurpose: UInt8, Hashable, Sendable, CaseIterable {
  /// Clients of the service, over TLS or passed through unread.
  case service = 1
  /// Plain HTTP, answered with a redirect to https.
  case redirect = 2
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
  /// those that the supervisor read it with. Generations count up from 1. As many event loops are to run as `loops`
  /// says.
  case configure(generation: UInt64, loops: UInt16, fileName: String, hostName: String)
  /// The page that loops count their turns in, a memory file that comes with the message, with room for this many.
  case heartbeats(capacity: UInt16)
  /// A listening socket, which comes with the message.
  case listener(ListenerPlace)
  /// A listening socket that the new generation has no use for.
  case withdraw(ListenerPlace)
  /// Everything has been sent: check it, and serve.
  case start
  /// Accept no more, let exchanges finish, and end within this time.
  case stop(within: Interval)
  /// What an operator wants of a server; one that the configuration does not name is passed over. Such commands are
  /// numbered upwards, and `WorkerEvent.applied` answers those that come after the first `start`.
  case server(AdminState, number: UInt64)

  /// Whether one descriptor comes with the message; otherwise none does.
  package var carriesDescriptor: Bool {
    switch self {
    case .configure, .heartbeats, .listener: true
    case .hello, .withdraw, .start, .stop, .server: false
    }
  }

  /// The message's name in logs and errors.
  package var name: String { "\(kind)" }

  private enum Kind: UInt8 { case hello = 1, configure, heartbeats, listener, start, stop, withdraw, server }

  private var kind: Kind {
    switch self {
    case .hello: .hello
    case .configure: .configure
    case .heartbeats: .heartbeats
    case .listener: .listener
    case .withdraw: .withdraw
    case .start: .start
    case .stop: .stop
    case .server: .server
    }
  }

  /// The message's bytes, at most `MessageLimit.message`.
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(limit: MessageLimit.message)
    writer.append(kind.rawValue)
    switch self {
    case .hello(let version):
      writer.append(bigEndian: version)
    case .configure(let generation, let loops, let fileName, let hostName):
      writer.append(bigEndian: generation)
      writer.append(bigEndian: loops)
      writer.append(fileName, limit: MessageLimit.name)
      writer.append(hostName, limit: MessageLimit.name)
    case .heartbeats(let capacity):
      writer.append(bigEndian: capacity)
    case .listener(let place), .withdraw(let place):
      writer.append(place.purpose.rawValue)
      writer.append(place.endpoint)
      writer.append(bigEndian: place.loop)
    case .start: break
    case .stop(let interval):
      writer.append(bigEndian: interval.nanoseconds)
    case .server(let state, let number):
      writer.append(state)
      writer.append(bigEndian: number)
    }
    return writer.bytes
  }

  /// Reads one message, which must be nothing but the message.
  package init(decoding bytes: Span<UInt8>) throws(MessageError) {
    var reader = FieldReader(bytes)
    let number = try reader.uint8()
    guard let kind = Kind(rawValue: number) else { throw .unknownKind(number) }
    switch kind {
    case .hello:
      self = .hello(version: try reader.uint16())
    case .configure:
      self = .configure(
        generation: try reader.uint64(), loops: try reader.uint16(),
        fileName: try reader.text("file name", limit: MessageLimit.name),
        hostName: try reader.text("host name", limit: MessageLimit.name))
    case .heartbeats:
      self = .heartbeats(capacity: try reader.uint16())
    case .listener:
      self = .listener(try reader.place())
    case .withdraw:
      self = .withdraw(try reader.place())
    case .start:
      self = .start
    case .stop:
      self = .stop(within: Interval(nanoseconds: try reader.uint64()))
    case .server:
      self = .server(try reader.adminState(), number: try reader.uint64())
    }
    try reader.end()
  }
}

extension FieldReader {
  fileprivate mutating func place() throws(MessageError) -> ListenerPlace {
    guard let purpose = ListenerPurpose(rawValue: try uint8()) else { throw .invalidField("purpose") }
    return ListenerPlace(purpose: purpose, endpoint: try endpoint(), loop: try uint16())
  }
}
