import CLinux
import Glibc
import Synchronization

/// Sends datagrams to a local socket (unix(7)) that may be recreated, such as a log daemon's. Connects on the first
/// send, and again when the receiver has gone.
public struct DatagramSender: ~Copyable {
  /// The receiver's path.
  public let path: String
  private var socket: SharedDescriptor?
  private var isConnected = false

  // Not inlined: Swift 6.3 mistakes a constant `Mutex<DatagramSender>` for one that it can initialise statically, and
  // leaves it all zeros (a type with a deinit inside a Mutex).
  @inline(never)
  public init(path: String) { self.path = path }

  deinit { if let socket { Self.reserve.withLock { $0.giveBack(socket) } } }

  /// Sends one datagram, waiting for a slow receiver; false when there is none, or it rejects the datagram.
  public mutating func send(_ bytes: Span<UInt8>) -> Bool {
    // The first attempt may fail because the receiver was replaced.
    for _ in 0..<2 {
      switch attempt(bytes) {
      case nil: return true
      case EMSGSIZE: return false
      default: isConnected = false
      }
    }
    return false
  }

  /// Nil, or an errno value.
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

  /// An unconnected datagram socket; sending waits for room.
  private static func makeSocket() -> Int32 {
    Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  }

  // MARK: sockets made in advance

  private struct Reserve {
    var sockets: [SharedDescriptor] = []
    var capacity = 0

    mutating func giveBack(_ socket: SharedDescriptor) {
      if sockets.count < capacity { sockets.append(socket) }
    }
  }

  private static let reserve = Mutex(Reserve())

  /// Creates sockets for this many simultaneous senders, before the process loses the right to create any. A sender
  /// returns its socket in `deinit`.
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
