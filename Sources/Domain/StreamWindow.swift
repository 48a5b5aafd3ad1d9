/// What one end of a stream may send, and what it has to accept. Each node keeps one for each of its streams where it
/// does not trust what it receives: the worker for messages of other nodes, the supervisor for those of its worker.
public struct StreamWindow: Hashable, Sendable {
  /// Maximum of messages of data on their way in one direction: 64 KB.
  public static let size = 4
  /// Maximum of bytes in one direction of a stream.
  public static let byteLimit = 8 << 20

  /// Messages of data that may still be sent, of which those that are not credited were sent.
  public private(set) var sendable: Int
  /// Messages of data that the other end may still send.
  private var receivable: Int
  private var sentBytes = 0
  private var receivedBytes = 0

  /// At the beginning of a stream, for the end with this role.
  public init(for role: StreamMessage.Sender) {
    sendable = role == .opener ? 0 : Self.size
    receivable = Self.size - sendable
  }

  /// Takes note of a message that this end sends; false when it may not send it.
  public mutating func send(_ content: StreamMessage.Content) -> Bool {
    switch content {
    case .open, .close: return true
    case .data(let bytes):
      guard sendable > 0, sentBytes + bytes.count <= Self.byteLimit else { return false }
      sendable -= 1
      sentBytes += bytes.count
    case .credit(let count):
      guard receivable + count <= Self.size else { return false }
      receivable += count
    }
    return true
  }

  /// Takes note of a message of the other end; false when that may not send it.
  public mutating func receive(_ content: StreamMessage.Content) -> Bool {
    switch content {
    case .open: return false
    case .close: return true
    case .data(let bytes):
      guard receivable > 0, receivedBytes + bytes.count <= Self.byteLimit else { return false }
      receivable -= 1
      receivedBytes += bytes.count
    case .credit(let count):
      guard sendable + count <= Self.size else { return false }
      sendable += count
    }
    return true
  }
}
