/// Those who wait for their turn, in lanes, one for each client: lanes take turns, and within a lane first come, first
/// served. Ten thousand of one client keep one of another waiting for one turn, not for ten thousand. Not locked.
///
/// Every call costs the same, however many wait. Invariant: a lane is in the ring exactly while somebody waits in it.
public struct FairQueue<Token: Sendable>: ~Copyable {
  private struct Waiter {
    var token: Token
    /// The next in the lane, or the next free place; 0: none. Places are counted from 1.
    var next: UInt32
  }

  private struct Lane {
    var client: ClientKey
    var first: UInt32
    var last: UInt32
    /// The lane whose turn comes after this one's, or the next free one; 0: none.
    var next: UInt32 = 0
  }

  private var waiters: [Waiter] = []
  private var freeWaiter: UInt32 = 0
  private var lanes: [Lane] = []
  private var freeLane: UInt32 = 0
  private var laneOfClient: [ClientKey: UInt32] = [:]
  private var firstLane: UInt32 = 0
  private var lastLane: UInt32 = 0
  /// How many wait.
  public private(set) var count = 0

  public init() {}

  public var isEmpty: Bool { count == 0 }

  /// Puts somebody behind the others of the same client.
  public mutating func append(_ token: Token, of client: ClientKey) {
    let place = takeWaiter(token)
    count += 1
    if let lane = laneOfClient[client] {
      waiters[Int(lanes[Int(lane) - 1].last) - 1].next = place
      lanes[Int(lane) - 1].last = place
      return
    }
    let lane = takeLane(Lane(client: client, first: place, last: place))
    laneOfClient[client] = lane
    queue(lane)
  }

  /// Takes out whose turn it is; nil when nobody waits.
  public mutating func next() -> Token? {
    let lane = firstLane
    guard lane != 0 else { return nil }
    let place = lanes[Int(lane) - 1].first
    let (token, next) = (waiters[Int(place) - 1].token, waiters[Int(place) - 1].next)
    waiters[Int(place) - 1].next = freeWaiter
    freeWaiter = place
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

  /// Puts a lane behind the others.
  private mutating func queue(_ lane: UInt32) {
    lanes[Int(lane) - 1].next = 0
    if lastLane == 0 { firstLane = lane } else { lanes[Int(lastLane) - 1].next = lane }
    lastLane = lane
  }

  private mutating func takeWaiter(_ token: Token) -> UInt32 {
    let place = freeWaiter
    guard place != 0 else {
      waiters.append(Waiter(token: token, next: 0))
      return UInt32(waiters.count)
    }
    freeWaiter = waiters[Int(place) - 1].next
    waiters[Int(place) - 1] = Waiter(token: token, next: 0)
    return place
  }

  private mutating func takeLane(_ lane: Lane) -> UInt32 {
    let place = freeLane
    guard place != 0 else {
      lanes.append(lane)
      return UInt32(lanes.count)
    }
    freeLane = lanes[Int(place) - 1].next
    lanes[Int(place) - 1] = lane
    return place
  }

  /// Places kept when nobody waits; what a flood needed besides goes back.
  private static var kept: Int { 1024 }

  private mutating func shrink() {
    guard waiters.count > Self.kept else { return }
    (waiters, freeWaiter, lanes, freeLane, laneOfClient) = ([], 0, [], 0, [:])
  }
}
