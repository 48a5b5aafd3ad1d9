import CLinux

/// The key of an element of a slab: the slot's index, and the slot's generation.
public struct SlabKey: Hashable, Sendable {
  public let index: UInt32
  /// Odd while the slot holds the element.
  public let generation: UInt32

  public init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }
}

/// Noncopyable elements in one allocation, each with a key that becomes stale when it is removed.
///
/// An event may have the key of a connection that an earlier event closed: check `contains` first. A stale key in a
/// subscript is a programmer error and traps.
@safe
public struct Slab<Element: ~Copyable>: ~Copyable {
  /// Generations have 28 bits, so that a key fits in a poller's token.
  static var generationMask: UInt32 { 0x0fff_ffff }

  var base: UnsafeMutablePointer<Element>
  var generations: UnsafeMutablePointer<UInt32>
  private var capacity: Int
  /// `used ≤ capacity`: slots below it have a generation.
  var used = 0
  private var free: [UInt32] = []
  /// The number of elements.
  public private(set) var count = 0

  /// Grows beyond `capacity` by doubling, which moves all elements.
  public init(capacity: Int = 64) {
    self.capacity = capacity
    // SAFETY: both are uninitialised and owned by this slab until `deinit` or `grow` frees them.
    unsafe base = .allocate(capacity: capacity)
    unsafe generations = .allocate(capacity: capacity)
  }

  deinit {
    // SAFETY: generations below `used` are initialised; an odd one means that the element is too.
    for index in 0..<used where unsafe generations[index] & 1 == 1 { unsafe (base + index).deinitialize(count: 1) }
    unsafe base.deallocate()
    unsafe generations.deallocate()
  }

  /// Whether the key's element is still present; accepts any key.
  public func contains(_ key: SlabKey) -> Bool {
    // SAFETY: slots below `used` have a generation. A key may come from another slab, or from a poller's token.
    unsafe key.generation & 1 == 1 && Int(key.index) < used && generations[Int(key.index)] == key.generation
  }

  /// Accesses the element in place. Traps when it was removed.
  public subscript(key: SlabKey) -> Element {
    // SAFETY: `contains` checks that the slot is initialised; only mutating calls move it, and they exclude this
    // access.
    unsafeAddress {
      precondition(contains(key), "stale slab key")
      return unsafe UnsafePointer(base + Int(key.index))
    }
    unsafeMutableAddress {
      precondition(contains(key), "stale slab key")
      return unsafe base + Int(key.index)
    }
  }

  /// Inserts an element and returns its key, valid until it is removed.
  public mutating func insert(_ element: consuming Element) -> SlabKey {
    let index: Int
    if let reused = free.popLast() {
      index = Int(reused)
    } else {
      if used == capacity { grow() }
      index = used
      // SAFETY: index < capacity; the slot is uninitialised.
      unsafe (generations + index).initialize(to: 0)
      used += 1
    }
    // SAFETY: the slot is free: new, or emptied by `remove`.
    unsafe (base + index).initialize(to: element)
    unsafe generations[index] = (generations[index] &+ 1) & Self.generationMask
    count += 1
    return unsafe SlabKey(index: UInt32(index), generation: generations[index])
  }

  /// Removes and returns the element; its key becomes stale.
  public mutating func remove(_ key: SlabKey) -> Element {
    precondition(contains(key), "stale slab key")
    let index = Int(key.index)
    unsafe generations[index] = (generations[index] &+ 1) & Self.generationMask
    free.append(key.index)
    count -= 1
    // SAFETY: the slot was initialised, as its generation showed.
    return unsafe (base + index).move()
  }

  /// The key of the element at `index`; nil when the slot is free.
  public func key(at index: UInt32) -> SlabKey? {
    guard index < used else { return nil }
    // SAFETY: index < used, so the generation was initialised.
    let generation = unsafe generations[Int(index)]
    return generation & 1 == 1 ? SlabKey(index: index, generation: generation) : nil
  }

  /// All elements are below this index.
  public var slotCount: Int { used }

  /// The keys of all elements.
  public var keys: [SlabKey] {
    var keys: [SlabKey] = []
    for index in 0..<UInt32(used) { if let key = key(at: index) { keys.append(key) } }
    return keys
  }

  /// Returns the pages of free slots to the system. They are mapped again, zeroed, on the next use.
  public func giveBackPages() {
    let page = Memory.pageSize
    var index = 0
    while index < capacity {
      let first = index
      // SAFETY: generations below `used` are initialised.
      while index < capacity, unsafe index >= used || generations[index] & 1 == 0 { index += 1 }
      // SAFETY: both are inside the storage or at its end, and there is no element between them.
      let lower = unsafe (UInt(bitPattern: base + first) + page - 1) & ~(page - 1)
      let upper = unsafe UInt(bitPattern: base + index) & ~(page - 1)
      if lower < upper, let start = unsafe UnsafeMutableRawPointer(bitPattern: lower) {
        unsafe _ = madvise(start, Int(upper - lower), MADV_DONTNEED)
      }
      index += 1
    }
  }

  private mutating func grow() {
    let larger = max(1, capacity * 2)
    let newBase = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    let newGenerations = UnsafeMutablePointer<UInt32>.allocate(capacity: larger)
    // SAFETY: the slab grows when every slot below `used` = `capacity` is taken, so all are initialised.
    unsafe newBase.moveInitialize(from: base, count: used)
    unsafe newGenerations.moveInitialize(from: generations, count: used)
    unsafe base.deallocate()
    unsafe generations.deallocate()
    unsafe base = newBase
    unsafe generations = newGenerations
    capacity = larger
  }
}
