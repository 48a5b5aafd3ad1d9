import Linux
import Roles

/// The supervisor's end of the control socket: orders that wait for room, and facts that have come.
struct ControlLink: ~Copyable {
  /// What reading found.
  enum Receipt {
    case fact(Fact)
    /// The worker sent what is not a message.
    case faulty(String)
    /// Nothing is there yet.
    case nothing
    /// The worker closed its end, or died.
    case ended
  }

  private struct Parcel {
    let order: Order
    let attachment: SharedDescriptor?
  }

  let socket: MessageSocket
  private var waiting: [Parcel] = []

  init(_ socket: consuming MessageSocket) { self.socket = socket }

  /// Queues an order behind those that wait already; `flush` sends.
  mutating func send(_ order: Order, with attachment: SharedDescriptor? = nil) {
    precondition(order.carriesDescriptor == (attachment != nil))
    waiting.append(Parcel(order: order, attachment: attachment))
  }

  /// Sends as far as there is room. A worker that is gone takes nothing; its end is noticed where facts are read.
  mutating func flush() {
    while let parcel = waiting.first {
      let bytes = parcel.order.encoded()
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
      waiting.removeFirst()
    }
  }

  /// The next fact that has come. Never waits.
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
    do { return .fact(try Fact(decoding: bytes.span)) } catch { return .faulty(error.description) }
  }
}
