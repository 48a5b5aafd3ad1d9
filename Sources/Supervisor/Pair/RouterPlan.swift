import Configuration
import VRRP
import Wire

/// One virtual router as the configuration wants it on this node.
package struct RouterPlan: Hashable {
  /// As the log and the status have it.
  package var name: String
  package var interface: String
  /// The prefix length of each of `settings.addresses`.
  package var prefixLengths: [UInt8]
  package var settings: VirtualRouter.Settings
  package var channel: AdvertisementChannel.Settings
  /// Virtual routers of one group go together.
  package var group: String?

  /// The places of the conditions that every virtual router has in `settings.tracks`.
  enum Condition: Int {
    case worker, servers, link
  }

  /// Through which a server that no client can be sent to lowers any priority to the least.
  private static let weightOfServers = -253
  /// How long a worker has to be ready before the node takes part again: longer than one that dies at once needs.
  private static let workerRecovery = Interval.seconds(2)

  /// The kernel counts lifetimes in seconds, and a Backup waits for three intervals: by then the address is gone.
  static func lease(interval: Interval) -> Interval {
    let second = Interval.seconds(1).nanoseconds
    return .seconds(max(1, (3 * interval.nanoseconds + second - 1) / second))
  }

  init(_ router: Configuration.VirtualRouter) {
    name = "router \(router.identifier)"
    interface = router.interface
    prefixLengths = router.addresses.map(\.prefixLength)
    let addresses = router.addresses.map(\.address)
    let tracks = [
      Track(name: "worker", weight: .giveUp, recovery: Self.workerRecovery),
      Track(name: "servers", weight: .priority(Self.weightOfServers), recovery: .zero),
      Track(name: "link \(router.interface)", weight: .giveUp, recovery: .zero),
    ]
    settings = VirtualRouter.Settings(
      identifier: router.identifier, priority: router.priority, addresses: addresses,
      lease: Self.lease(interval: .seconds(1)), tracks: tracks)
    channel = AdvertisementChannel.Settings(
      version: settings.version, virtualRouter: router.identifier, addresses: addresses,
      intervalCentiseconds: settings.intervalCentiseconds)
  }
}
