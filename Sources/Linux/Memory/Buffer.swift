import CLinux
import Wire

/// A fixed-size byte buffer: filled at the end, consumed at the start.
///
/// `0 ≤ lower ≤ upper ≤ size`. Without storage it is both empty and full; `lease` adds storage from a pool and
/// `giveBack` returns it, so that an idle connection holds none. `enlarge` is for the rare head that is larger than
/// usual.
@safe
public struct Buffer: ~Copyable, ByteSink {
  /// One whole TLS record (16 KiB) and 1 KiB more, for the growth of a rewritten head.
  public static var capacity: Int { 17 * 1024 }
  /// The largest head (`HeadLimits.maximumBytes`) and room for rewriting.
  public static var largeCapacity: Int { 66 * 1024 }

  var storage: UnsafeMutablePointer<UInt8>?
  var lower = 0
  var upper = 0
  /// The size of the storage in bytes; 0 without.
  var size = 0
  /// Whether an append did not fit since `removeAll`.
  public private(set) var overflowed = false

  /// A buffer without storage.
  public init() {
    // SAFETY: no storage, so nothing is owned yet.
    unsafe storage = nil
  }

  deinit {
    // SAFETY: the storage is owned by this buffer while it is leased, and bytes need no deinitialisation.
    unsafe storage?.deallocate()
  }

  public var count: Int { upper &- lower }
  public var isEmpty: Bool { lower == upper }
  /// Bytes that can be appended without compacting.
  public var room: Int { size &- upper }
  public var isLeased: Bool {
    // SAFETY: the address is compared, not read.
    unsafe storage != nil
  }
  /// Whether its storage has `largeCapacity`.
  public var isLarge: Bool { size > Self.capacity }

  /// The bytes held, oldest first.
  public var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    borrowing get {
      // SAFETY: lower...upper is inside the storage and was initialised; the span lives no longer than this borrow.
      let span = unsafe Span<UInt8>(_unsafeStart: (storage ?? Self.nowhere) + lower, count: upper &- lower)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Removes the oldest `count` bytes.
  public mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= upper &- lower)
    lower &+= count
    if lower == upper {
      lower = 0
      upper = 0
    }
  }

  /// Removes all bytes and clears `overflowed`.
  public mutating func removeAll() {
    lower = 0
    upper = 0
    overflowed = false
  }

  /// Replaces the byte at `offset` from the oldest.
  public mutating func overwrite(at offset: Int, with byte: UInt8) {
    precondition(offset >= 0 && offset < count)
    // SAFETY: the offset is that of a held byte, so there is storage.
    unsafe storage?[lower + offset] = byte
  }

  /// Moves the bytes to the front, so that all free room is at the end.
  public mutating func compact() {
    guard lower > 0, let storage = unsafe storage else { return }
    // SAFETY: both ranges are inside the storage; memmove allows them to overlap.
    unsafe memmove(storage, storage + lower, count)
    upper &-= lower
    lower = 0
  }

  /// Calls `body` with the free room to append to, and returns its result.
  public mutating func fill<Result>(_ body: (inout OutputSpan<UInt8>) -> Result) -> Result {
    // SAFETY: the free room is inside the storage; the output span does not outlive this call, and it counts the bytes
    // that it initialised.
    let free = unsafe UnsafeMutableBufferPointer(start: (storage ?? Self.nowhere) + upper, count: room)
    var output = unsafe OutputSpan(buffer: free, initializedCount: 0)
    let result = body(&output)
    upper &+= unsafe output.finalize(for: free)
    return result
  }

  /// Appends all bytes, or none and sets `overflowed` when they do not fit.
  public mutating func append(_ source: Span<UInt8>) {
    guard source.count <= room else { return overflow() }
    guard let storage = unsafe storage else { return }
    // SAFETY: there is room for `source.count` bytes after `upper`.
    unsafe source.withUnsafeBufferPointer {
      unsafe _ = $0.baseAddress.map { unsafe memcpy(storage + upper, $0, source.count) }
    }
    upper &+= source.count
  }

  /// Appends a byte, or sets `overflowed`.
  public mutating func append(_ byte: UInt8) {
    guard room >= 1, let storage = unsafe storage else { return overflow() }
    // SAFETY: there is room for one byte after `upper`.
    unsafe storage[upper] = byte
    upper &+= 1
  }

  /// Appends a text, or sets `overflowed`.
  public mutating func append(_ text: StaticString) {
    let count = text.utf8CodeUnitCount
    guard count <= room, let storage = unsafe storage else { return overflow() }
    // SAFETY: a static string is `count` bytes long, and there is room for them after `upper`.
    unsafe _ = memcpy(storage + upper, text.utf8Start, count)
    upper &+= count
  }

  /// Appends all bytes of `other` by exchanging the storage: only this buffer's bytes are copied, into the space that
  /// `other` has consumed. False, without a change, when that space is too small.
  public mutating func takeAll(of other: inout Buffer) -> Bool {
    guard let mine = unsafe storage, let theirs = unsafe other.storage, count <= other.lower else { return false }
    let start = other.lower &- count
    // SAFETY: the `count` bytes before `other.lower` are inside its storage and already consumed.
    unsafe _ = memcpy(theirs + start, mine + lower, count)
    unsafe swap(&storage, &other.storage)
    swap(&size, &other.size)
    lower = start
    upper = other.upper
    other.removeAll()
    return true
  }

  mutating func overflow() { overflowed = true }

  /// A non-null address for empty spans.
  static var nowhere: UnsafeMutablePointer<UInt8> {
    // SAFETY: 16 is not null; the address is used only with a count of 0, so it is never read.
    unsafe UnsafeMutablePointer(bitPattern: 16).unsafelyUnwrapped
  }
}

/// The storage of a thread's buffers, last in first out, so that the next lease is likely in the cache.
@safe
public struct BufferPool: ~Copyable {
  /// Free pieces kept for reuse; the rest are freed. 64 pieces are about 1 MiB a thread.
  public static let kept = 64

  private var free: [UnsafeMutablePointer<UInt8>]

  /// Creates an empty pool; pieces are allocated on lease.
  public init() {
    // SAFETY: an empty list of pieces.
    unsafe free = []
    unsafe free.reserveCapacity(Self.kept)
  }

  deinit {
    // SAFETY: every piece in `free` was allocated here or returned by a buffer that no longer holds it.
    for index in unsafe free.indices { unsafe free[index].deallocate() }
  }

  /// Gives `buffer` storage unless it has some.
  public mutating func lease(_ buffer: inout Buffer) {
    // SAFETY: a piece in `free` is unowned and of `capacity` bytes, as is a new one; the buffer becomes its owner.
    guard unsafe buffer.storage == nil else { return }
    unsafe buffer.storage = free.popLast() ?? .allocate(capacity: Buffer.capacity)
    buffer.size = Buffer.capacity
    buffer.removeAll()
  }

  /// Gives `buffer` a large piece of storage unless it has one, and moves its bytes there. Large pieces are not pooled:
  /// they are freed when given back.
  public mutating func enlarge(_ buffer: inout Buffer) {
    guard !buffer.isLarge else { return }
    let large = UnsafeMutablePointer<UInt8>.allocate(capacity: Buffer.largeCapacity)
    let count = buffer.count
    if let small = unsafe buffer.storage {
      // SAFETY: `count` bytes from `lower` are initialised, and fewer than the large piece has.
      unsafe _ = memcpy(large, small + buffer.lower, count)
      unsafe put(small)
    }
    unsafe buffer.storage = large
    buffer.size = Buffer.largeCapacity
    buffer.lower = 0
    buffer.upper = count
  }

  /// Takes back the storage of `buffer`; its bytes are discarded.
  public mutating func giveBack(_ buffer: inout Buffer) {
    // SAFETY: the piece is owned by the buffer until here, then by the pool or the allocator.
    guard let piece = unsafe buffer.storage else { return }
    let isLarge = buffer.isLarge
    unsafe buffer.storage = nil
    buffer.size = 0
    buffer.removeAll()
    if isLarge { unsafe piece.deallocate() } else { unsafe put(piece) }
  }

  private mutating func put(_ piece: UnsafeMutablePointer<UInt8>) {
    // SAFETY: `piece` has `Buffer.capacity` bytes and is unowned: both callers have taken it from its buffer.
    if unsafe free.count < Self.kept { unsafe free.append(piece) } else { unsafe piece.deallocate() }
  }
}
