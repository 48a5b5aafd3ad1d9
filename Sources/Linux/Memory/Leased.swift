/// Storage for a value that exists only while needed: `lease` adds it from a pool and `giveBack` returns it, so that an
/// idle connection holds none. Accessing a missing value is a programmer error and traps.
@safe
public struct Leased<Value: ~Copyable>: ~Copyable {
  var storage: UnsafeMutablePointer<Value>?

  /// Creates it without a value.
  public init() {
    // SAFETY: no storage, so nothing is owned yet.
    unsafe storage = nil
  }

  deinit {
    guard let storage = unsafe storage else { return }
    // SAFETY: a leased value is initialised and owned by this storage.
    unsafe storage.deinitialize(count: 1)
    unsafe storage.deallocate()
  }

  public var isLeased: Bool {
    // SAFETY: the address is compared, not read.
    unsafe storage != nil
  }

  public var value: Value {
    // SAFETY: a leased value is initialised, and does not move while this storage is borrowed.
    unsafeAddress { unsafe UnsafePointer(leasedStorage) }
    unsafeMutableAddress { unsafe leasedStorage }
  }

  var leasedStorage: UnsafeMutablePointer<Value> {
    // SAFETY: used only by the two accessors of `value`, within their access to `self`.
    guard let storage = unsafe storage else { preconditionFailure("nothing is leased") }
    return unsafe storage
  }
}

/// The storage of a thread's leased values, last in first out, so that the next lease is likely in the cache.
@safe
public struct LeasePool<Value: ~Copyable>: ~Copyable {
  /// Free pieces kept for reuse; the rest are freed.
  public static var kept: Int { 64 }

  var free: [UnsafeMutablePointer<Value>]

  /// Creates an empty pool; pieces are allocated on lease.
  public init() {
    // SAFETY: an empty list of pieces.
    unsafe free = []
    unsafe free.reserveCapacity(Self.kept)
  }

  deinit {
    // SAFETY: every piece in `free` is uninitialised memory from the allocator, and not leased.
    for index in unsafe free.indices { unsafe free[index].deallocate() }
  }

  /// Stores `value` in the place, replacing an earlier one. It is constructed in place.
  @inline(__always)
  public mutating func lease(_ place: inout Leased<Value>, _ value: @autoclosure () -> Value) {
    if place.isLeased {
      place.value = value()
      return
    }
    let piece = unsafe free.popLast() ?? .allocate(capacity: 1)
    // SAFETY: a free piece is uninitialised memory for one value.
    unsafe piece.initialize(to: value())
    unsafe place.storage = piece
  }

  /// Destroys the value of the place, if there is one.
  public mutating func giveBack(_ place: inout Leased<Value>) {
    guard let piece = unsafe place.storage else { return }
    unsafe place.storage = nil
    // SAFETY: a leased value is initialised; from here on the piece is free.
    unsafe piece.deinitialize(count: 1)
    if unsafe free.count < Self.kept { unsafe free.append(piece) } else { unsafe piece.deallocate() }
  }
}
