import Linux
import WorkerProtocol

/// The supervisor's end of the control socket: commands that wait for room, and events that have come.
///
/// A worker whose main thread hangs takes nothing more, while its loops may serve for hours. What operators ask for
/// meanwhile is refused once `operatorsLimit` commands of theirs wait: `hasRoomForOperators`.
struct ControlLink: ~Copyable {
  /// What reading found.
  enum Receipt {
    case event(WorkerEvent)
    /// The worker sent what is not a message.
    case faulty(String)
    /// Nothing is there yet.
    case nothing
    /// The worker closed its end, or died.
    case ended
  }

  private struct Parcel {
    let command: WorkerCommand
    let attachment: SharedDescriptor?
    /// An operator asked for it.
    let isOperators: Bool
  }

  /// More than a person or a script gives before a worker that is well has taken them, within milliseconds.
  static let operatorsLimit = 64

  let socket: MessageSocket
  private var waiting: [Parcel] = []
  /// Of those that wait, what operators asked for.
  private(set) var operatorsWaiting = 0

  init(_ socket: consuming MessageSocket) { self.socket = socket }

  /// Whether anything more may be sent that operators ask for: a command, or the commands of a reload.
  var hasRoomForOperators: Bool { operatorsWaiting < Self.operatorsLimit }

  /// Why there is no room, and what to do.
  static var noRoom: String {
    "the worker has not taken in the last \(operatorsLimit) commands, so nothing was changed. It may hang while it serves still: "
      + "try again, else `systemctl restart belvedere` replaces it, which ends its connections"
  }

  /// Queues a command behind those that wait already; `flush` sends.
  mutating func send(
    _ command: WorkerCommand, with attachment: SharedDescriptor? = nil, forOperators isOperators: Bool = false
  ) {
    precondition(command.carriesDescriptor == (attachment != nil))
    waiting.append(Parcel(command: command, attachment: attachment, isOperators: isOperators))
    if isOperators { operatorsWaiting += 1 }
  }

  /// Sends as far as there is room. A worker that is gone takes nothing; its end is noticed where events are read.
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

  /// The next event that has come. Never waits.
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
