import CLinux
import Glibc
import Synchronization

/// Sends datagrams to a local socket (unix(7)) that may come, go and be made anew: a log daemon's. It is connected to
/// when there is something to send, and again when whoever listened there has gone.
public struct DatagramSender: ~Copyable {
  /// Where the receiver listens.
  public let path: String
  private var socket: SharedDescriptor?
  private var isConnected = false

  // Not inlined: Swift 6.3 takes a constant `Mutex<DatagramSender>` for one that it can lay out when it compiles, and
  // leaves it all zeros (a type with a deinit inside a Mutex).
  @inline(never)
  public init(path: String) { self.path = path }

  deinit { if let socket { Self.reserve.withLock { $0.giveBack(socket) } } }

  /// Sends one datagram, waiting for a receiver that is slow; false when there is none, or it does not take this one.
  public mutating func send(_ bytes: Span<UInt8>) -> Bool {
    // The first attempt may find that the receiver is another one by now.
    for _ in 0..<2 {
      switch attempt(bytes) {
      case nil: return true
      case EMSGSIZE: return false
      default: isConnected = false
      }
    }
    return false
  }

  /// Nil, or the error's number.
  private mutating func attempt(_ bytes: Span<UInt8>) -> Int32? {
    if socket == nil {
      socket = Self.reserve.withLock { $0.sockets.popLast() }
      if socket == nil {
        let number = Self.makeSocket()
        guard number >= 0 else { return cl_errno() }
        socket = SharedDescriptor(Descriptor(owning: number))
      }
    }
    guard let number = socket?.descriptor.number else { return EBADF }
    if !isConnected {
      // SAFETY: path and count belong together and live during the call.
      let result = unsafe path.withCString { unsafe cl_local_connect_datagrams(number, $0, path.utf8.count) }
      guard result == 0 else { return cl_errno() }
      isConnected = true
    }
    // SAFETY: the kernel reads the span's bytes during the call only.
    let count = unsafe bytes.withUnsafeBufferPointer { buffer in
      retryingInterrupts { unsafe Glibc.send(number, buffer.baseAddress, buffer.count, 0) }
    }
    return count < 0 ? cl_errno() : nil
  }

  /// For datagrams, connected to nobody yet; sending waits for room.
  private static func makeSocket() -> Int32 {
    Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  }

  // MARK: a process that can make no more sockets

  private struct Reserve {
    var sockets: [SharedDescriptor] = []
    var capacity = 0

    mutating func giveBack(_ socket: SharedDescriptor) {
      if sockets.count < capacity { sockets.append(socket) }
    }
  }

  private static let reserve = Mutex(Reserve())

  /// Makes sockets for so many senders at once, before the process gives up making any. A sender that ends gives its
  /// socket back.
  public static func reserveSockets(_ count: Int) throws(SystemError) {
    for _ in 0..<count {
      let socket = SharedDescriptor(try Descriptor(makeSocket(), of: "socket"))
      reserve.withLock { reserve in
        reserve.capacity += 1
        reserve.sockets.append(socket)
      }
    }
  }
}
