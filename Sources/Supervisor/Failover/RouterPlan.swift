import Configuration
import Domain
import Linux
import VRRP
import Wire

/// One virtual router as the configuration wants it on this node.
package struct RouterPlan: Hashable {
  /// As the log and the status have it.
  package var name: String
  package var interface: String
  /// Those of `settings`, with their prefix lengths.
  package var addresses: [VirtualAddress]
  package var settings: VirtualRouter.Settings
  package var channel: AdvertisementChannel.Settings
  /// Virtual routers of one group go together.
  package var group: String?
  /// Where advertisements come from; nil: chosen among the interface's addresses.
  package var source: IPAddress?
  /// What the tracks behind the node's own are about, in their order.
  package var subjects: [Configuration.VirtualRouter.Track.Subject]
  package var hooks: [String]
  package var mail: Configuration.VirtualRouter.Mail?

  /// The places of the conditions that every virtual router has in `settings.tracks`; the configuration's follow.
  enum Condition: Int, CaseIterable {
    case worker, servers, link
  }

  /// A node that no client can be sent on from has the least priority, whatever it had.
  private static let weightOfServers = -253
  /// How long a worker has to be ready before the node takes part again: longer than one that dies at once needs.
  private static let workerRecovery = Interval.seconds(2)

  /// The kernel counts lifetimes in seconds, and a Backup waits for three intervals: by then the address is gone.
  static func lease(interval: Interval) -> Interval {
    let second = Interval.seconds(1).nanoseconds
    return .seconds(max(1, (3 * interval.nanoseconds + second - 1) / second))
  }

  /// Reads the keys that it names.
  init(_ router: Configuration.VirtualRouter) throws(KeyFailure) {
    name = router.name
    interface = router.interface
    addresses = router.addresses
    group = router.group
    source = router.source
    subjects = router.tracks.map(\.subject)
    hooks = router.hooks
    mail = router.mail
    let bare = addresses.map(\.address)
    let centiseconds = UInt16(clamping: router.interval.nanoseconds / Interval.centiseconds(1).nanoseconds)
    settings = VirtualRouter.Settings(
      version: router.version, identifier: router.identifier, priority: router.priority,
      intervalCentiseconds: centiseconds, addresses: bare, lease: Self.lease(interval: router.interval),
      tracks: Self.tracks(router))
    settings.preempts = router.preempts
    settings.preemptDelay = router.preemptDelay
    channel = AdvertisementChannel.Settings(
      version: router.version, virtualRouter: router.identifier, addresses: bare, intervalCentiseconds: centiseconds,
      checksum: router.checksum, peers: router.peers)
    if let authentication = router.authentication {
      channel.authentication = authentication.password.map { .simpleText(Array($0.utf8)) } ?? .none
      channel.keyed = try Self.keyed(authentication)
    }
  }

  private static func tracks(_ router: Configuration.VirtualRouter) -> [Track] {
    let own = Condition.allCases.map { condition in
      switch condition {
      case .worker: Track(name: "worker", weight: .giveUp, recovery: workerRecovery)
      case .servers: Track(name: "servers", weight: .priority(weightOfServers), recovery: .zero)
      case .link: Track(name: "link \(router.interface)", weight: .giveUp, recovery: .zero)
      }
    }
    return own
      + router.tracks.map { track in
        Track(
          name: track.subject.words, weight: track.weight.map { .priority($0) } ?? .giveUp, recovery: track.recovery)
      }
  }

  private static func keyed(
    _ authentication: Configuration.VirtualRouter.Authentication
  ) throws(KeyFailure) -> KeyedAuthentication.Settings? {
    guard !authentication.keys.isEmpty else { return nil }
    var keys: [KeyedAuthentication.Key] = []
    for key in authentication.keys {
      keys.append(KeyedAuthentication.Key(identifier: key.identifier, bytes: try key.place.read()))
    }
    return KeyedAuthentication.Settings(mode: authentication.mode, keys: keys, window: authentication.window)
  }
}

/// A key that signs advertisements and can't be had.
package struct KeyFailure: Error, Hashable, CustomStringConvertible {
  package let description: String
}

extension Configuration.VirtualRouter.KeyPlace {
  /// A key has 128 digits at most.
  private static let limit = 4096

  /// The key's bytes.
  fileprivate func read() throws(KeyFailure) -> [UInt8] {
    let path = try path()
    let text: [UInt8]
    do { text = try File.contents(of: path, limit: Self.limit) } catch {
      throw KeyFailure(description: "vrrp: the key \(path) can't be read: \(SystemError.words(for: error.code))")
    }
    guard let key = Self.key(in: text) else {
      throw KeyFailure(description: "vrrp: \(path) is no key: expected 64 to 128 hexadecimal digits")
    }
    return key
  }

  private func path() throws(KeyFailure) -> String {
    switch self {
    case .file(let path): return path
    case .credential(let name):
      guard let directory = CurrentProcess.environmentValue("CREDENTIALS_DIRECTORY") else {
        throw KeyFailure(
          description: "vrrp: systemd has handed over no credential \(name): LoadCredential=\(name):PATH in the unit")
      }
      return "\(directory)/\(name)"
    }
  }
}

extension Configuration.VirtualRouter.Track.Subject {
  /// `link eth1`, `script gateway`: as status and log have it.
  fileprivate var words: String {
    switch self {
    case .interface(let name): "link \(name)"
    case .script(let path, _, _, _): "script \(path.split(separator: "/").last ?? "")"
    }
  }
}
