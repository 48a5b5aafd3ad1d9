import CLinux
import Glibc
import Synchronization

/// Counts the turns of one event loop, where the supervisor can see it. Lives as long as the process.
@safe
public struct Heartbeat: Sendable {
  // SAFETY: an atomic in a mapping that is never taken back in the process that beats: any thread may use it.
  nonisolated(unsafe) let counter: UnsafeMutablePointer<Atomic<UInt64>>

  /// One more turn.
  public func beat() {
    // SAFETY: the mapping that `counter` points into is never taken back in the process that beats.
    unsafe counter.pointee.add(1, ordering: .relaxed)
  }
}

/// The page in which a worker's loops count their turns: the one piece of memory that both roles see. The worker
/// writes, the supervisor reads; what it reads decides only whether the worker is replaced.
@safe
public struct SharedHeartbeats: ~Copyable {
  /// Counters lie a cache line apart, so that loops do not slow each other.
  private static let stride = 64

  /// How many loops count.
  public let loops: Int
  /// What the worker is handed.
  public let file: Descriptor
  private let base: UnsafeMutableRawPointer

  /// A page of zeros for `loops` loops, at least one.
  public init(loops: Int) throws(SystemError) {
    precondition(loops > 0)
    let file = try MemoryFile.shared("heartbeats", count: loops * Self.stride)
    // SAFETY: the new mapping is this value's alone until `deinit`; `loops` bounds every access to it.
    unsafe base = try Self.map(file, loops: loops)
    self.file = file
    self.loops = loops
  }

  deinit {
    // SAFETY: mapped in `init` with this length; no pointer into it leaves a call.
    unsafe _ = munmap(base, loops * Self.stride)
  }

  /// How often this loop has turned.
  public func turns(of loop: Int) -> UInt64 {
    precondition(0..<loops ~= loop)
    // SAFETY: loop < loops, so the counter lies inside the mapping.
    return unsafe Self.counter(base, loop).pointee.load(ordering: .relaxed)
  }

  /// The worker's side of the page that came as `file`: the counter of every loop, in order.
  public static func attach(_ file: borrowing Descriptor, loops: Int) throws(SystemError) -> [Heartbeat] {
    // SAFETY: the mapping has a counter for each of the loops, and is never taken back.
    let base = try unsafe map(file, loops: loops)
    return (0..<loops).map { loop in unsafe Heartbeat(counter: counter(base, loop)) }
  }

  private static func counter(_ base: UnsafeMutableRawPointer, _ loop: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    // SAFETY: the page is only ever used as counters; all bits zero is a counter at zero.
    unsafe (base + loop * stride).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private static func map(_ file: borrowing Descriptor, loops: Int) throws(SystemError) -> UnsafeMutableRawPointer {
    let count = loops * stride
    // A file that could shrink under its mapping would kill the reader.
    guard cl_sealed(file.number) > 0, cl_file_size(file.number) >= count else {
      throw SystemError("mmap heartbeats", code: EINVAL)
    }
    // SAFETY: the new mapping is `count` bytes long.
    guard let base = unsafe cl_map_shared(file.number, count) else { throw SystemError("mmap heartbeats") }
    return unsafe base
  }
}
