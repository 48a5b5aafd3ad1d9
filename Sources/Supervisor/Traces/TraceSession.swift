import Control
import Domain
import Linux
import Wire

/// A running trace: what it follows, and the connection of the process that wants it, which gets the answer to its
/// request and then the events as `StreamFrames`. Never blocks.
struct TraceSession {
  /// What waits for a process that does not read; what is more is counted.
  static let outputLimit = 256 << 10
  /// What a trace has of TLS secrets, in all: those of some 8,000 connections. A worker can't make the file larger.
  static let secretLimit = 8 << 20
  /// Counted for an entry of `secretClients`, beside its text.
  private static let entryBytes = 64
  /// How long the process may take for the last bytes.
  private static let closingTimeout = Interval.seconds(5)

  let order: TraceOrder
  /// In the log.
  let requester: String
  let deadline: Instant
  private let socket: SharedDescriptor
  private var output: [UInt8]
  /// Events that found no room.
  private var lost: UInt64 = 0
  private var secretBytes = 0
  /// Connections of which it has secrets.
  private var secretClients: Set<String> = []
  /// When the connection is closed although the process has not taken everything; set once the trace is over.
  private var closing: Instant?

  init(_ order: TraceOrder, for requester: String, _ socket: SharedDescriptor, node: String, at now: Instant) {
    self.order = order
    self.requester = requester
    self.socket = socket
    deadline = now + order.duration
    output = Array(ControlAnswer.opened(node: node).line.utf8) + [UInt8(ascii: "\n")]
  }

  /// When `proceed` is due.
  var due: Instant { closing ?? deadline }

  var isOver: Bool { closing != nil }

  /// Whether the connection is to be closed.
  func isClosed(at now: Instant) -> Bool { closing.map { output.isEmpty || now >= $0 } ?? false }

  /// Queues an event.
  mutating func add(_ event: TraceEvent) {
    guard closing == nil else { return }
    guard output.count < Self.outputLimit, hasRoom(forSecretsOf: event) else {
      lost += 1
      return
    }
    appendLost(at: event.time)
    append(event)
  }

  private mutating func appendLost(at time: WallTime) {
    guard lost > 0 else { return }
    append(TraceEvent(.lost, at: time, [TraceEvent.Fact(.count, .number(lost))]))
    lost = 0
  }

  /// Whether it has no secrets, or no more than may be; counts them.
  private mutating func hasRoom(forSecretsOf event: TraceEvent) -> Bool {
    guard let secrets = event.text(.secrets) else { return true }
    let client = event.text(.client) ?? ""
    let bytes = secretBytes + secrets.utf8.count + client.utf8.count + Self.entryBytes
    guard bytes <= Self.secretLimit else { return false }
    secretBytes = bytes
    secretClients.insert(client)
    return true
  }

  /// What it has given, for the log; nil without secrets.
  var givenWords: String? {
    guard order.hasSecrets else { return nil }
    return "the TLS secrets of \(secretClients.count) connection\(secretClients.count == 1 ? "" : "s") were given"
  }

  private mutating func append(_ event: TraceEvent) {
    var writer = ByteWriter(limit: Int(UInt16.max))
    event.append(to: &writer)
    output += StreamFrames.Frame.data(writer.bytes).encoded
  }

  /// Ends the trace. An empty reason: the process has closed its connection.
  mutating func end(reason: String, at now: Instant) {
    guard closing == nil else { return }
    closing = now + Self.closingTimeout
    guard !reason.isEmpty else {
      output = []
      return
    }
    appendLost(at: .now)
    output += StreamFrames.Frame.end(reason: reason).encoded
  }

  /// Sends what is possible without blocking, and notices the end. Returns why the trace has ended, once.
  mutating func proceed(at now: Instant) -> String? {
    var reason: String?
    if closing == nil, now >= deadline {
      reason = "its time is over"
      end(reason: "the time is over", at: now)
    }
    while !output.isEmpty {
      switch Socket.write(socket.descriptor.number, output.span) {
      case .bytes(let count): output.removeFirst(count)
      case .wouldBlock: return reason ?? notedEnd(at: now)
      case .failed: output = []
      }
    }
    return reason ?? notedEnd(at: now)
  }

  /// Whether the process has gone. It has nothing to say: what it sends ends the trace, since reading it all could take as
  /// long as it likes.
  private mutating func notedEnd(at now: Instant) -> String? {
    guard closing == nil else { return nil }
    switch LocalSocket.receive(from: socket.descriptor, limit: 1) {
    case .nothing: return nil
    case .ended:
      end(reason: "", at: now)
      return "the command has ended"
    case .bytes:
      end(reason: "", at: now)
      return "the command has sent something"
    }
  }
}
