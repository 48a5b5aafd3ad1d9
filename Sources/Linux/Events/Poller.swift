import CLinux
import Wire

/// An epoll instance. Sockets are registered once, edge-triggered, for all events; closing a socket deregisters it. A
/// `PollerToken` identifies the source of an event; code that only waits needs none.
@safe
public struct Poller: ~Copyable {
  /// The most events returned by one wait.
  static var batch: Int { 256 }

  /// Readable while there are events, so pollers can be nested.
  public let descriptor: Descriptor
  let events: UnsafeMutablePointer<epoll_event>
  /// How many of them the last wait has returned, at most `batch`.
  private let received: UnsafeMutablePointer<Int>

  /// Creates a poller, closed on exec.
  public init() throws(SystemError) {
    descriptor = try Descriptor(epoll_create1(Int32(EPOLL_CLOEXEC)), of: "epoll_create1")
    // SAFETY: `batch` events and one number, all initialised here, owned by this value until `deinit` frees them.
    unsafe events = .allocate(capacity: Self.batch)
    unsafe events.initialize(repeating: epoll_event(), count: Self.batch)
    unsafe received = .allocate(capacity: 1)
    unsafe received.initialize(to: 0)
  }

  deinit {
    // SAFETY: allocated in `init`; both are plain data, and no pointer to them outlives a call.
    unsafe events.deallocate()
    unsafe received.deallocate()
  }

  /// Watches a connection for reading, writing and its end, edge-triggered. Every event returns `token`.
  public func watch(_ socket: borrowing Descriptor, token: UInt64 = 0) throws(SystemError) {
    guard cl_epoll_add(descriptor.number, socket.number, cl_epoll_edge_triggered, token) == 0 else {
      throw SystemError("epoll_ctl")
    }
  }

  /// Watches a descriptor that is drained partially per turn (a listener): readable, level-triggered.
  public func watchLevel(_ socket: borrowing Descriptor, token: UInt64 = 0) throws(SystemError) {
    guard cl_epoll_add(descriptor.number, socket.number, EPOLLIN.rawValue, token) == 0 else {
      throw SystemError("epoll_ctl")
    }
  }

  /// Stops watching a descriptor without closing it.
  public func forget(_ socket: borrowing Descriptor) {
    _ = epoll_ctl(descriptor.number, EPOLL_CTL_DEL, socket.number, nil)
  }

  /// Waits at most `milliseconds` (-1: no limit) and returns the number of events; 0 when interrupted.
  public func wait(milliseconds: Int32) -> Int {
    // SAFETY: `events` has room for `batch` events.
    note(unsafe epoll_wait(descriptor.number, events, Int32(Self.batch), milliseconds))
  }

  /// Like `wait(milliseconds:)`, in nanoseconds: for deadlines that need a finer resolution.
  public func wait(_ timeout: Interval) -> Int {
    let nanoseconds = Int64(clamping: timeout.nanoseconds)
    // SAFETY: `events` has room for `batch` events.
    return note(unsafe cl_epoll_wait_nanoseconds(descriptor.number, events, Int32(Self.batch), nanoseconds))
  }

  /// The result of a wait for the caller; `count` is that of the system call.
  private func note(_ count: Int32) -> Int {
    let count = max(0, Int(count))
    // SAFETY: the number lives as long as this value, which one thread uses.
    unsafe received.pointee = count
    return count
  }

  /// The event at `index` of the last wait, below its result.
  public func event(at index: Int) -> (token: UInt64, readiness: Readiness) {
    // SAFETY: 0 ≤ index < received ≤ batch, and all of the batch is initialised.
    unsafe precondition(index >= 0 && index < received.pointee)
    return unsafe (cl_epoll_token(events + index), Readiness(events: events[index].events))
  }
}

/// Wakes a poller from another thread.
public struct Wakeup: ~Copyable, Sendable {
  public let descriptor: Descriptor

  /// An eventfd, closed on exec.
  public init() throws(SystemError) {
    descriptor = try Descriptor(eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC)), of: "eventfd")
  }

  /// Can be called from any thread; never blocks.
  public func signal() { _ = eventfd_write(descriptor.number, 1) }

  /// Waits for a signal and consumes it.
  public func wait() { wait(milliseconds: -1) }

  /// Waits until `isDone`, which is checked at once and after each signal; false when the deadline passes first.
  func wait(until deadline: Instant, _ isDone: () -> Bool) -> Bool {
    while !isDone() {
      let now = Clock.monotonic()
      guard now < deadline else { return false }
      wait(milliseconds: Int32(clamping: (deadline - now).milliseconds + 1))
    }
    return true
  }

  private func wait(milliseconds: Int32) {
    var poll = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
    // SAFETY: one element, alive during the call.
    _ = retryingInterrupts { unsafe CLinux.poll(&poll, 1, milliseconds) }
    drain()
  }

  /// Consumes pending signals, so that the descriptor is no longer readable.
  public func drain() {
    var value: eventfd_t = 0
    // SAFETY: the kernel writes the one number, which lives through the call.
    _ = unsafe eventfd_read(descriptor.number, &value)
  }
}
