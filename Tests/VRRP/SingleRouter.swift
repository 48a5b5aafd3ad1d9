import Domain
import Wire

@testable import VRRP

/// One virtual router, 192.0.2.5, with a clock. The test simulates all other nodes.
struct SingleRouter {
  var router: VirtualRouter
  private(set) var now = Instant(nanoseconds: 0) + .seconds(1000)
  /// The effects of the last call.
  private(set) var effects: [VirtualRouter.Effect] = []

  init(
    priority: UInt8 = 101, tracks: [Track] = [], _ change: (inout VirtualRouterSettings) -> Void = { _ in }
  ) {
    var settings = VirtualRouterSettings(identifier: 51, priority: priority, addresses: [virtual("192.0.2.100")])
    change(&settings)
    router = VirtualRouter(settings, tracks: tracks)
    tell(.source(ip("192.0.2.5")))
    tell(.start)
  }

  /// A router that is Active.
  static func active(priority: UInt8 = 101, _ change: (inout VirtualRouterSettings) -> Void = { _ in }) -> SingleRouter
  {
    var node = SingleRouter(priority: priority, change)
    node.pass(5000)
    return node
  }

  mutating func tell(_ event: VirtualRouter.Event) { effects = router.handle(event, at: now) }

  mutating func hear(_ priority: UInt8, from address: String = "192.0.2.6", interval: UInt16 = 100) {
    let advertisement = Advertisement(
      version: router.settings.version, virtualRouter: 51, priority: priority, intervalCentiseconds: interval,
      addresses: router.settings.ipAddresses)
    tell(.advertisement(advertisement, from: ip(address)))
  }

  /// Advances the time by a number of milliseconds; `effects` are all effects in that time.
  mutating func pass(_ milliseconds: UInt64) {
    let end = now + .milliseconds(milliseconds)
    var all: [VirtualRouter.Effect] = []
    while let deadline = router.deadline, deadline <= end {
      now = max(now, deadline)
      tell(.timer)
      all += effects
    }
    now = end
    effects = all
  }

  /// Advances the time without running the router.
  mutating func freeze(for interval: Interval) {
    now = now + interval
    tell(.timer)
  }

  /// Advances the time while a peer advertises once a second; `effects` are all effects in that time.
  mutating func pass(seconds: Int, hearing priority: UInt8, from address: String = "192.0.2.6") {
    var all: [VirtualRouter.Effect] = []
    for _ in 0..<seconds {
      pass(1000)
      all += effects
      hear(priority, from: address)
      all += effects
    }
    effects = all
  }

  /// How often the address was announced.
  var announced: Int { effects.reduce(0) { if case .announce(let times) = $1 { $0 + times } else { $0 } } }
  var notes: [RouterNote] { effects.compactMap { if case .note(let note) = $0 { note } else { nil } } }
  var sent: [UInt8] {
    effects.compactMap { if case .send(let advertisement) = $0 { advertisement.priority } else { nil } }
  }
}
