/// A fair queue with one lane for each client: lanes take turns, and a lane is served in order of arrival. With ten
/// thousand waiters of one client, another client's first waiter waits for one turn only. Not thread-safe.
///
/// Every call takes constant time. Invariant: a lane is in the ring exactly while it has waiters.
public struct FairQueue<Token: Sendable>: ~Copyable {
  private struct Waiter {
    var token: Token
    /// The next in the lane, or the next free slot; 0: none. Slots are counted from 1.
    var next: UInt32
  }

  private struct Lane {
    var client: ClientKey
    var first: UInt32
    var last: UInt32
    /// The next lane in the ring, or the next free one; 0: none.
    var next: UInt32 = 0
  }

  private var waiters: [Waiter] = []
  private var freeWaiter: UInt32 = 0
  private var lanes: [Lane] = []
  private var freeLane: UInt32 = 0
  private var laneOfClient: [ClientKey: UInt32] = [:]
  private var firstLane: UInt32 = 0
  private var lastLane: UInt32 = 0
  /// The number of waiters.
  public private(set) var count = 0

  public init() {}

  public var isEmpty: Bool { count == 0 }

  /// Adds a waiter after the others of the same client.
  public mutating func append(_ token: Token, of client: ClientKey) {
    let slot = takeWaiter(token)
    count += 1
    if let lane = laneOfClient[client] {
      waiters[Int(lanes[Int(lane) - 1].last) - 1].next = slot
      lanes[Int(lane) - 1].last = slot
      return
    }
    let lane = takeLane(Lane(client: client, first: slot, last: slot))
    laneOfClient[client] = lane
    queue(lane)
  }

  /// Removes and returns the next waiter; nil when there is none.
  public mutating func next() -> Token? {
    let lane = firstLane
    guard lane != 0 else { return nil }
    let slot = lanes[Int(lane) - 1].first
    let (token, next) = (waiters[Int(slot) - 1].token, waiters[Int(slot) - 1].next)
    waiters[Int(slot) - 1].next = freeWaiter
    freeWaiter = slot
    count -= 1
    firstLane = lanes[Int(lane) - 1].next
    if firstLane == 0 { lastLane = 0 }
    if next != 0 {
      lanes[Int(lane) - 1].first = next
      queue(lane)
    } else {
      laneOfClient[lanes[Int(lane) - 1].client] = nil
      lanes[Int(lane) - 1].next = freeLane
      freeLane = lane
      if count == 0 { shrink() }
    }
    return token
  }

  /// Adds a lane at the end of the ring.
  private mutating func queue(_ lane: UInt32) {
    lanes[Int(lane) - 1].next = 0
    if lastLane == 0 { firstLane = lane } else { lanes[Int(lastLane) - 1].next = lane }
    lastLane = lane
  }

  private mutating func takeWaiter(_ token: Token) -> UInt32 {
    let slot = freeWaiter
    guard slot != 0 else {
      waiters.append(Waiter(token: token, next: 0))
      return UInt32(waiters.count)
    }
    freeWaiter = waiters[Int(slot) - 1].next
    waiters[Int(slot) - 1] = Waiter(token: token, next: 0)
    return slot
  }

  private mutating func takeLane(_ lane: Lane) -> UInt32 {
    let slot = freeLane
    guard slot != 0 else {
      lanes.append(lane)
      return UInt32(lanes.count)
    }
    freeLane = lanes[Int(slot) - 1].next
    lanes[Int(slot) - 1] = lane
    return slot
  }

  /// Slots that are kept when the queue is empty; additional ones are freed.
  private static var kept: Int { 1024 }

  private mutating func shrink() {
    guard waiters.count > Self.kept else { return }
    (waiters, freeWaiter, lanes, freeLane, laneOfClient) = ([], 0, [], 0, [:])
  }
}
