import Domain
import Wire

@testable import VRRP

/// One machine of a simulated network: the real state machine and codec, with a simulated kernel and process manager.
struct SimulatedNode {
  enum Process: Hashable {
    /// Killed, stopped, or never started.
    case off
    case running
    /// Suspended by SIGSTOP, or its machine is.
    case frozen
  }

  let index: Int
  /// The initial state of each process.
  private let fresh: (router: VirtualRouter, channel: AdvertisementChannel)
  /// The state of the current process; each start creates a new one.
  private(set) var router: VirtualRouter
  var channel: AdvertisementChannel
  var process = Process.off
  /// When the kernel removes the address from the interface; nil: it is not there.
  var addressUntil: Instant?
  /// When the process last ran.
  private(set) var lastRan = Instant(nanoseconds: 0)
  /// The delay of the process's timers.
  var lateness = Interval.zero
  /// The packets received while the process was frozen, up to the capacity of a socket.
  var unread: [(bytes: [UInt8], from: IPAddress)] = []
  /// The offset of the wall clock from the monotonic one in nanoseconds.
  private(set) var wallOffset: UInt64 = 1_000_000_000_000_000
  private var highestWall: UInt64 = 0

  private static let socketCapacity = 64

  init(
    index: Int, _ settings: VirtualRouterSettings, tracks: [Track] = [], keyed: KeyedAuthentication.Settings? = nil
  ) {
    self.index = index
    router = VirtualRouter(settings, tracks: tracks)
    channel = AdvertisementChannel(settings, keyed: keyed, digest: checkSum)
    fresh = (router, channel)
  }

  var settings: VirtualRouterSettings { router.settings }

  var source: IPAddress { IPAddress(v4: 0xc000_0202 + UInt32(index)) }

  var isActive: Bool { process != .off && router.role == .active }

  /// When the process is due next, without other events.
  var deadline: Instant? { process == .running ? router.deadline.map { $0 + lateness } : nil }

  func wall(at now: Instant) -> WallTime { WallTime(nanoseconds: now.nanoseconds + wallOffset) }

  /// Sets the wall clock forward or back.
  mutating func jump(seconds: Int, at now: Instant) {
    highestWall = max(highestWall, wall(at: now).nanoseconds)
    let nanoseconds = UInt64(seconds.magnitude) * 1_000_000_000
    wallOffset = seconds < 0 ? wallOffset - min(wallOffset, nanoseconds) : wallOffset + nanoseconds
  }

  /// Starts a new process. Its clock is not behind that of the previous process: other nodes remember sequences signed
  /// with a clock that was ahead, and reject a process with an earlier clock as a replay until it has caught up.
  mutating func boot(at now: Instant) {
    process = .running
    unread = []
    (router, channel) = fresh
    wallOffset = max(wallOffset, max(highestWall, wall(at: now).nanoseconds) - now.nanoseconds)
    // The addresses of a previous process are removed.
    addressUntil = nil
  }

  /// Puts a packet into the socket of a frozen process.
  mutating func keep(_ bytes: [UInt8], from source: IPAddress) {
    if unread.count < Self.socketCapacity { unread.append((bytes, source)) }
  }

  /// Passes an event to the process, and reports violated invariants.
  mutating func handle(
    _ event: VirtualRouter.Event, at now: Instant
  ) -> (effects: [VirtualRouter.Effect], broken: [String]) {
    lastRan = now
    let effects = router.handle(event, at: now)
    var broken: [String] = []
    for effect in effects {
      switch effect {
      case .holdAddresses(let lease): addressUntil = now + lease
      case .dropAddresses: addressUntil = nil
      case .send(let advertisement) where advertisement.priority > 0 && addressUntil == nil:
        broken.append("advertises priority \(advertisement.priority) without the address")
      default: break
      }
    }
    if router.holdsAddresses != (addressUntil != nil) { broken.append("thinks wrongly of the address") }
    if router.role == .active, addressUntil == nil { broken.append("is Active without the address") }
    return (effects, broken)
  }

  /// The kernel's handling of the lease.
  mutating func expireAddress(at now: Instant) -> [String] {
    if let addressUntil, addressUntil - lastRan > settings.lease { return ["the address outlives its process"] }
    guard let addressUntil, now >= addressUntil else { return [] }
    self.addressUntil = nil
    return process == .running ? ["did not renew its address in time"] : []
  }
}

/// Replaces HMAC-SHA256 where a million packets are signed: a hash without security.
private let checkSum: KeyedAuthentication.Digest = { key, message in
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in key + message { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  return (0..<32).map { UInt8(truncatingIfNeeded: hash >> (($0 & 7) * 8)) }
}
