import CLinux

/// Names an element of a slab: where it sits, and which of the elements that sat there it is.
public struct SlabKey: Hashable, Sendable {
  public let index: UInt32
  /// Odd while the element lives.
  public let generation: UInt32

  public init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }
}

/// Elements of a non-copyable type in one piece of memory, each named by a key that goes stale when it is removed.
///
/// An event may name a connection that the event before it closed: ask `contains` first. A stale key in a subscript
/// is a programmer error and traps.
@safe
public struct Slab<Element: ~Copyable>: ~Copyable {
  /// Generations are kept to 28 bits, so that a key fits into a poller's token.
  static var generationMask: UInt32 { 0x0fff_ffff }

  var base: UnsafeMutablePointer<Element>
  var generations: UnsafeMutablePointer<UInt32>
  private var capacity: Int
  /// `used ≤ capacity`: slots below it have a generation.
  var used = 0
  private var free: [UInt32] = []
  /// How many elements live.
  public private(set) var count = 0

  /// Grows beyond `capacity` by doubling, which moves every element.
  public init(capacity: Int = 64) {
    self.capacity = capacity
    // SAFETY: both are uninitialised and this slab's alone until `deinit` or `grow` frees them.
    unsafe base = .allocate(capacity: capacity)
    unsafe generations = .allocate(capacity: capacity)
  }

  deinit {
    // SAFETY: generations below `used` are initialised; an odd one says that its element is.
    for index in 0..<used where unsafe generations[index] & 1 == 1 { unsafe (base + index).deinitialize(count: 1) }
    unsafe base.deallocate()
    unsafe generations.deallocate()
  }

  /// Whether the element that a key names is still there; any key may be asked for.
  public func contains(_ key: SlabKey) -> Bool {
    // SAFETY: slots below `used` have a generation. A key may come from another slab, or from a token of the kernel's.
    unsafe key.generation & 1 == 1 && Int(key.index) < used && generations[Int(key.index)] == key.generation
  }

  /// The element in place. Traps when it is gone.
  public subscript(key: SlabKey) -> Element {
    // SAFETY: `contains` says that the slot is initialised; only mutating calls move it, which exclude this access.
    unsafeAddress {
      precondition(contains(key), "stale slab key")
      return unsafe UnsafePointer(base + Int(key.index))
    }
    unsafeMutableAddress {
      precondition(contains(key), "stale slab key")
      return unsafe base + Int(key.index)
    }
  }

  /// Returns the key that names the element until it is removed.
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

  /// Takes the element out; its key is stale from here on.
  public mutating func remove(_ key: SlabKey) -> Element {
    precondition(contains(key), "stale slab key")
    let index = Int(key.index)
    unsafe generations[index] = (generations[index] &+ 1) & Self.generationMask
    free.append(key.index)
    count -= 1
    // SAFETY: the slot was initialised, as its generation said.
    return unsafe (base + index).move()
  }

  /// The key of the element that lives at `index`; nil when none does.
  public func key(at index: UInt32) -> SlabKey? {
    guard index < used else { return nil }
    // SAFETY: index < used, so the generation was initialised.
    let generation = unsafe generations[Int(index)]
    return generation & 1 == 1 ? SlabKey(index: index, generation: generation) : nil
  }

  /// Where elements may live: below this index.
  public var slotCount: Int { used }

  /// The keys of all live elements.
  public var keys: [SlabKey] {
    var keys: [SlabKey] = []
    for index in 0..<UInt32(used) { if let key = key(at: index) { keys.append(key) } }
    return keys
  }

  /// Gives the system back what no element lies in. It comes again, as zeros, when it is used.
  public func giveBackPages() {
    let page = Memory.pageSize
    var index = 0
    while index < capacity {
      let first = index
      // SAFETY: generations below `used` are initialised.
      while index < capacity, unsafe index >= used || generations[index] & 1 == 0 { index += 1 }
      // SAFETY: both lie inside the storage or at its end, and no element lives between them.
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
    // SAFETY: growing happens when every slot below `used` = `capacity` is taken, so all are initialised.
    unsafe newBase.moveInitialize(from: base, count: used)
    unsafe newGenerations.moveInitialize(from: generations, count: used)
    unsafe base.deallocate()
    unsafe generations.deallocate()
    unsafe base = newBase
    unsafe generations = newGenerations
    capacity = larger
  }
}
