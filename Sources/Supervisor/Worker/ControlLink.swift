import Linux
import WorkerProtocol

/// The supervisor's end of the worker's socket: queued commands, and received events.
///
/// A worker whose main thread hangs reads nothing, while its loops may serve for hours. Further operators' commands are
/// refused once `operatorsLimit` of them are queued: `hasRoomForOperators`.
struct ControlLink: ~Copyable {
  /// The result of a read.
  enum Receipt {
    case event(WorkerEvent)
    /// The worker sent an invalid message.
    case faulty(String)
    /// No event is available.
    case nothing
    /// The worker closed its end, or died.
    case ended
  }

  private struct OutgoingMessage {
    let command: WorkerCommand
    let attachment: SharedDescriptor?
    /// Whether an operator requested it.
    let isOperators: Bool
  }

  /// More than a person or a script sends before a working worker has read them, which takes milliseconds.
  static let operatorsLimit = 64

  let socket: MessageSocket
  private var waiting: [OutgoingMessage] = []
  /// How many of the waiting commands operators requested.
  private(set) var operatorsWaiting = 0

  init(_ socket: consuming MessageSocket) { self.socket = socket }

  /// Whether every command was sent.
  var isEmpty: Bool { waiting.isEmpty }

  /// Whether there is room for another operator's request: a command, or the commands of a reload.
  var hasRoomForOperators: Bool { operatorsWaiting < Self.operatorsLimit }

  /// The message when there is no room.
  static var noRoom: String {
    "the worker has not taken in the last \(operatorsLimit) commands, so nothing was changed. It may hang while it serves still: "
      + "try again, else `systemctl restart belvedere` replaces it, which ends its connections"
  }

  /// Queues a command; `flush` sends.
  mutating func send(
    _ command: WorkerCommand, with attachment: SharedDescriptor? = nil, forOperators isOperators: Bool = false
  ) {
    precondition(command.carriesDescriptor == (attachment != nil))
    waiting.append(OutgoingMessage(command: command, attachment: attachment, isOperators: isOperators))
    if isOperators { operatorsWaiting += 1 }
  }

  /// Queues `reopenLogs`, unless it is queued already: signals may come without end, and none may be lost.
  mutating func reopenLogs() {
    if !waiting.contains(where: { $0.command == .reopenLogs }) { send(.reopenLogs) }
  }

  /// Queues what a worker needs for a configuration, at its start or for a reload. The administrative states come with
  /// it: no server may take a client before the worker knows its state.
  mutating func configure(
    _ plan: ServicePlan, number: UInt64, text: SharedDescriptor, _ listeners: ListenerSet.Change, _ states: AdminStates,
    forOperators isOperators: Bool = false
  ) {
    send(
      .configure(
        number: number, loops: UInt16(truncatingIfNeeded: plan.loops), fileName: plan.configuration.fileName,
        hostName: plan.configuration.hostName),
      with: text, forOperators: isOperators)
    for listener in listeners.added {
      send(.listener(listener.identity), with: listener.socket, forOperators: isOperators)
    }
    for listener in listeners.removed { send(.withdraw(listener.identity), forOperators: isOperators) }
    for (name, state) in states.all {
      // There may be more of them than operators' commands may wait.
      send(.server(name: name, state, number: states.number))
    }
    send(.start, forOperators: isOperators)
  }

  /// Sends as much as the socket accepts. If the worker has ended, nothing is sent; reading reports the end.
  mutating func flush() {
    var count = 0
    defer { waiting.removeFirst(count) }
    for parcel in waiting {
      let bytes = parcel.command.encoded()
      let sent: Bool
      do {
        sent =
          if let attachment = parcel.attachment {
            try socket.send(bytes.span, with: attachment.descriptor)
          } else {
            try socket.send(bytes.span)
          }
      } catch { sent = true }
      guard sent else { return }
      count += 1
      if parcel.isOperators { operatorsWaiting -= 1 }
    }
  }

  /// The next received event. Never blocks.
  func receive() -> Receipt {
    do {
      switch try socket.receive(limit: MessageLimit.message) {
      case .nothing: return .nothing
      case .ended: return .ended
      case .message(var message):
        if message.takeDescriptor() != nil { return .faulty(MessageError.descriptor(missing: false).description) }
        return Self.read(message.bytes)
      }
    } catch {
      return .faulty(error.description)
    }
  }

  private static func read(_ bytes: [UInt8]) -> Receipt {
    do { return .event(try WorkerEvent(decoding: bytes.span)) } catch { return .faulty(error.description) }
  }
}
