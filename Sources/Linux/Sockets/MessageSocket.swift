import CLinux
import Glibc

/// One end of a SOCK_SEQPACKET pair: whole messages, each with at most one descriptor, and a detectable end.
public struct MessageSocket: ~Copyable, Sendable {
  public let descriptor: Descriptor

  /// Takes ownership of one end, such as a child's inherited descriptor.
  public init(owning descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// Both ends of a new pair, closed on exec.
  public struct Pair: ~Copyable {
    public let ours: MessageSocket
    public let theirs: MessageSocket

    /// A SOCK_SEQPACKET pair: messages are never split.
    public init() throws(SystemError) {
      var ends: (Int32, Int32) = (-1, -1)
      let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
      // SAFETY: a tuple of two Int32 is laid out as int[2], which is what the call fills.
      let result = unsafe withUnsafeMutableBytes(of: &ends) {
        unsafe socketpair(AF_UNIX, type, 0, $0.assumingMemoryBound(to: Int32.self).baseAddress)
      }
      guard result == 0 else { throw SystemError("socketpair") }
      ours = MessageSocket(owning: Descriptor(owning: ends.0))
      theirs = MessageSocket(owning: Descriptor(owning: ends.1))
    }

    /// Our end; theirs is closed, once a child has inherited it.
    public consuming func takeOurs() -> MessageSocket { ours }
  }

  /// A message and the descriptor passed with it.
  public struct Message: ~Copyable {
    public let bytes: [UInt8]
    public var descriptor: Descriptor?

    /// The descriptor, if there is one; nil on the next call.
    public mutating func takeDescriptor() -> Descriptor? { descriptor.take() }
  }

  /// The result of a receive.
  public enum Receipt: ~Copyable {
    case message(Message)
    /// No message is available.
    case nothing
    /// The other end is closed, or its process has died.
    case ended
  }

  /// Sends one message; false when the socket is full. Never blocks.
  public func send(_ bytes: Span<UInt8>) throws(SystemError) -> Bool {
    try send(bytes, passing: -1)
  }

  /// Sends one message with a duplicate of `passed`.
  public func send(_ bytes: Span<UInt8>, with passed: borrowing Descriptor) throws(SystemError) -> Bool {
    try send(bytes, passing: passed.number)
  }

  private func send(_ bytes: Span<UInt8>, passing passed: Int32) throws(SystemError) -> Bool {
    let result = unsafe bytes.withUnsafeBufferPointer { buffer in
      // SAFETY: the kernel reads the span's bytes during the call only.
      retryingInterrupts { unsafe cl_send_message(descriptor.number, buffer.baseAddress, buffer.count, passed) }
    }
    if result >= 0 { return true }
    // ETOOMANYREFS: too many descriptors are in flight; the receiver has to read some.
    guard [EAGAIN, ENOBUFS, ETOOMANYREFS].contains(cl_errno()) else { throw SystemError("sendmsg") }
    return false
  }

  /// Receives one message of at most `limit` bytes; a longer one is EMSGSIZE. With `waiting`, blocks until there is one
  /// or the other end is closed.
  public func receive(limit: Int, waiting: Bool = false) throws(SystemError) -> Receipt {
    var passed: Int32 = -1
    var count = -1
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
      // SAFETY: the kernel fills at most `buffer.count` bytes, and returns how many.
      count = retryingInterrupts {
        unsafe cl_receive_message(descriptor.number, buffer.baseAddress, buffer.count, waiting ? 1 : 0, &passed)
      }
      initialized = max(0, count)
    }
    if count < 0 {
      switch cl_errno() {
      case EAGAIN: return .nothing
      case ECONNRESET: return .ended
      default: throw SystemError("recvmsg")
      }
    }
    if count == 0 { return .ended }
    return .message(Message(bytes: bytes, descriptor: passed >= 0 ? Descriptor(owning: passed) : nil))
  }
}
