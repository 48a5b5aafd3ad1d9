/// A place for a value that is there only while it is needed: `lease` brings it from a pool, `giveBack` takes it away,
/// so that an idle connection holds none. Asking for a value that is not there is a programmer error and traps.
@safe
public struct Leased<Value: ~Copyable>: ~Copyable {
  var storage: UnsafeMutablePointer<Value>?

  /// A place without a value.
  public init() {
    // SAFETY: no storage, so nothing is owned yet.
    unsafe storage = nil
  }

  deinit {
    guard let storage = unsafe storage else { return }
    // SAFETY: what is leased was initialised, and is this place's alone.
    unsafe storage.deinitialize(count: 1)
    unsafe storage.deallocate()
  }

  public var isLeased: Bool {
    // SAFETY: the address is compared, not read.
    unsafe storage != nil
  }

  public var value: Value {
    // SAFETY: what is leased is initialised, and stays where it is while this place is borrowed.
    unsafeAddress { unsafe UnsafePointer(leasedStorage) }
    unsafeMutableAddress { unsafe leasedStorage }
  }

  var leasedStorage: UnsafeMutablePointer<Value> {
    // SAFETY: the two accessors of `value` use it, within their access to this place.
    guard let storage = unsafe storage else { preconditionFailure("nothing is leased") }
    return unsafe storage
  }
}

/// The storage of a thread's leased values, last in first out, so that the piece leased next is still in the cache.
@safe
public struct LeasePool<Value: ~Copyable>: ~Copyable {
  /// Free pieces kept for the next lease; more than this go back to the allocator.
  public static var kept: Int { 64 }

  var free: [UnsafeMutablePointer<Value>]

  /// Pieces are allocated as they are leased.
  public init() {
    // SAFETY: an empty list of pieces.
    unsafe free = []
    unsafe free.reserveCapacity(Self.kept)
  }

  deinit {
    // SAFETY: every piece in `free` is uninitialised memory from the allocator, and in no place.
    for index in unsafe free.indices { unsafe free[index].deallocate() }
  }

  /// Puts `value` into the place, whether or not one was there. It is made where it is to be.
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

  /// Ends the value of the place, if there is one.
  public mutating func giveBack(_ place: inout Leased<Value>) {
    guard let piece = unsafe place.storage else { return }
    unsafe place.storage = nil
    // SAFETY: what is leased was initialised; from here on the piece is free.
    unsafe piece.deinitialize(count: 1)
    if unsafe free.count < Self.kept { unsafe free.append(piece) } else { unsafe piece.deallocate() }
  }
}
