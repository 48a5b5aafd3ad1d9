import Control
import Domain
import Linux
import Wire

/// The connection of a local process and its end of a stream.
///
/// The process that wants the stream sends plain bytes, and gets the answer to its request and then `StreamFrames`. The
/// process on the other node sends and gets plain bytes.
struct StreamConnection {
  /// What the rest of the supervisor has to do.
  enum Outcome: Equatable {
    case send(StreamMessage)
    case connect
    case ended(reason: String)
    case invalid
  }

  /// The other node.
  let node: String
  let number: UInt64
  private(set) var end: NodeStream
  /// Nil for the acceptor until it is connected.
  private var socket: SharedDescriptor?
  private var output: [UInt8] = []
  private var isAccepted = false
  /// When the connection is closed although the process has not taken everything; set once the stream has ended.
  private var closing: Instant?

  /// How long the process may take for the last bytes.
  private static let closingTimeout = Interval.seconds(5)

  /// The connection of the process that wants the stream.
  init(to node: String, number: UInt64, _ socket: SharedDescriptor, at now: Instant) {
    self.node = node
    self.number = number
    self.socket = socket
    end = NodeStream(openingAt: now)
  }

  /// A stream that another node has opened; the local process is connected at `start`.
  init(from node: String, number: UInt64, at start: Instant, now: Instant) {
    self.node = node
    self.number = number
    end = NodeStream(acceptingAt: start, now: now)
  }

  /// The message that opens the stream.
  var opening: StreamMessage { message(.open) }

  /// When `proceed` is due.
  var deadline: Instant? { closing ?? end.deadline }

  /// Whether the connection is to be closed.
  func isOver(at now: Instant) -> Bool { closing.map { output.isEmpty || now >= $0 } ?? false }

  /// The acceptor's process is connected.
  mutating func connected(_ socket: SharedDescriptor, at now: Instant) -> [Outcome] {
    self.socket = socket
    return handle(.connected, at: now)
  }

  /// Passes an event to the stream's end.
  mutating func handle(_ event: NodeStream.Event, at now: Instant) -> [Outcome] {
    var outcomes: [Outcome] = []
    for effect in end.handle(event, at: now) {
      switch effect {
      case .connect: outcomes.append(.connect)
      case .send(let content): outcomes.append(.send(message(content)))
      case .accepted:
        isAccepted = true
        output += Self.line(.opened(node: node))
      case .write(let bytes): output += end.role == .opener ? StreamFrames.Frame.data(bytes).encoded : bytes
      case .ended(let reason):
        appendEnd(reason)
        closing = now + Self.closingTimeout
        outcomes.append(.ended(reason: reason))
      case .invalid: outcomes.append(.invalid)
      }
    }
    return outcomes
  }

  /// Sends and receives what is possible without blocking.
  mutating func proceed(at now: Instant) -> [Outcome] {
    var outcomes = handle(.timer, at: now)
    write(&outcomes, at: now)
    while output.isEmpty, end.hasInput {
      outcomes += handle(.room, at: now)
      write(&outcomes, at: now)
    }
    read(&outcomes, at: now)
    // The end that reading has found.
    if closing != nil { write(&outcomes, at: now) }
    return outcomes
  }

  private mutating func write(_ outcomes: inout [Outcome], at now: Instant) {
    guard let socket = socket?.descriptor.number else { return }
    while !output.isEmpty {
      switch Socket.write(socket, output.span) {
      case .bytes(let count): output.removeFirst(count)
      case .wouldBlock: return
      case .failed:
        output = []
        outcomes += handle(.closed, at: now)
      }
    }
  }

  private mutating func read(_ outcomes: inout [Outcome], at now: Instant) {
    guard let socket else { return }
    while closing == nil {
      if !end.mayRead {
        // What the process has sent before its end is read first.
        guard Socket.waiting(socket.descriptor.number) == 0, Socket.hasEnded(socket.descriptor.number) else { return }
      }
      switch LocalSocket.receive(from: socket.descriptor, limit: StreamMessage.chunkLimit) {
      case .bytes(let bytes): outcomes += handle(.read(bytes), at: now)
      case .nothing: return
      case .ended: outcomes += handle(.closed, at: now)
      }
    }
  }

  private func message(_ content: StreamMessage.Content) -> StreamMessage {
    StreamMessage(content, from: end.role, of: number)
  }

  private mutating func appendEnd(_ reason: String) {
    guard end.role == .opener else { return }
    output += isAccepted ? StreamFrames.Frame.end(reason: reason).encoded : Self.line(.refused([reason]))
  }

  private static func line(_ answer: ControlAnswer) -> [UInt8] { Array(answer.line.utf8) + [UInt8(ascii: "\n")] }
}
