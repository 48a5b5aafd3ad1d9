import CLinux
import Glibc
import Synchronization

/// Counts the turns of one event loop for the supervisor. Lives as long as the process.
@safe
public struct Heartbeat: Sendable {
  // SAFETY: an atomic in a mapping that is never unmapped in the worker: any thread may use it.
  nonisolated(unsafe) let counter: UnsafeMutablePointer<Atomic<UInt64>>

  /// Counts a turn.
  public func beat() {
    // SAFETY: the mapping that `counter` points into is never unmapped in the worker.
    unsafe counter.pointee.add(1, ordering: .relaxed)
  }
}

/// The shared page in which a worker's loops count their turns: the only memory that both roles map. The worker writes
/// and the supervisor reads; the values decide only whether the worker is replaced.
@safe
public struct SharedHeartbeats: ~Copyable {
  /// Counters are a cache line apart, to avoid false sharing.
  private static let stride = 64

  /// The number of loops.
  public let loops: Int
  /// The memory file to pass to the worker.
  public let file: Descriptor
  private let base: UnsafeMutableRawPointer

  /// Creates zeroed counters for `loops` loops, at least one.
  public init(loops: Int) throws(SystemError) {
    precondition(loops > 0)
    let file = try MemoryFile.shared("heartbeats", count: loops * Self.stride)
    // SAFETY: the new mapping is owned by this value until `deinit`; `loops` bounds every access to it.
    unsafe base = try Self.map(file, loops: loops)
    self.file = file
    self.loops = loops
  }

  deinit {
    // SAFETY: mapped in `init` with this length; no pointer into it outlives a call.
    unsafe _ = munmap(base, loops * Self.stride)
  }

  /// The number of turns of this loop.
  public func turns(of loop: Int) -> UInt64 {
    precondition(0..<loops ~= loop)
    // SAFETY: loop < loops, so the counter is inside the mapping.
    return unsafe Self.counter(base, loop).pointee.load(ordering: .relaxed)
  }

  /// Maps the page in the worker, from `file`: the counters of all loops, in order.
  public static func attach(_ file: borrowing Descriptor, loops: Int) throws(SystemError) -> [Heartbeat] {
    // SAFETY: the mapping has a counter for each of the loops, and is never unmapped.
    let base = try unsafe map(file, loops: loops)
    return (0..<loops).map { loop in unsafe Heartbeat(counter: counter(base, loop)) }
  }

  private static func counter(_ base: UnsafeMutableRawPointer, _ loop: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    // SAFETY: the page contains only counters; all bits zero is a counter at zero.
    unsafe (base + loop * stride).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private static func map(_ file: borrowing Descriptor, loops: Int) throws(SystemError) -> UnsafeMutableRawPointer {
    let count = loops * stride
    // A file that could shrink would crash the reader with SIGBUS.
    guard cl_sealed(file.number) > 0, let status = FileStatus(of: file), status.size >= count else {
      throw SystemError("mmap heartbeats", code: EINVAL)
    }
    // SAFETY: the new mapping is `count` bytes long.
    guard let base = unsafe cl_map_shared(file.number, count) else { throw SystemError("mmap heartbeats") }
    return unsafe base
  }
}
