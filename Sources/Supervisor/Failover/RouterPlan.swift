import Configuration
import Domain
import Linux
import VRRP
import Wire

/// One configured virtual router on this node.
package struct RouterPlan: Hashable {
  let router: Configuration.VirtualRouter
  /// The node's own conditions, in the order of `Condition`, then the configured tracks.
  let tracks: [Track]
  /// Signs advertisements; nil: unsigned.
  let keyed: KeyedAuthentication.Settings?

  /// The indices in `tracks` of the conditions that every virtual router has; configured tracks follow.
  enum Condition: Int, CaseIterable {
    case worker, servers, link
  }

  /// Gives a node that reaches no server the lowest priority.
  private static let weightOfServers = -253
  /// How long a worker must be ready before the node takes part again: longer than a worker that crashes at the start
  /// lives.
  private static let workerRecovery = Interval.seconds(2)

  /// Reads the key files that it names.
  init(_ router: Configuration.VirtualRouter) throws(KeyFailure) {
    self.router = router
    tracks = Self.tracks(router)
    keyed = try router.authentication.flatMap(Self.keyed)
  }

  var settings: VirtualRouterSettings { router.settings }

  /// The authentication of version 2.
  var authentication: AdvertisementCodec.SimpleAuthentication {
    router.authentication?.password.map { .simpleText(Array($0.utf8)) } ?? .none
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
        let name = track.subject.words
        return switch track.subject {
        case .interface, .script: Track(name: name, weight: track.weight, recovery: track.recovery)
        // `ServerShortfall` has the recovery.
        case .servers: Track(name: name, weight: track.weight, recovery: .zero, canServe: true)
        }
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

/// Why a key can't be used.
package struct KeyFailure: Error, Hashable, CustomStringConvertible {
  package let description: String
}

extension Configuration.VirtualRouter.KeyPlace {
  /// A key has at most 128 digits.
  private static let limit = 4096

  /// The key's bytes.
  fileprivate func read() throws(KeyFailure) -> [UInt8] {
    let path = try path()
    let text: [UInt8]
    do { text = try File.contents(of: path, limit: Self.limit) } catch {
      throw KeyFailure(description: "vrrp: the key \(path) can't be read: \(SystemError.words(for: error.code))")
    }
    guard let key = Self.key(in: text) else {
      throw KeyFailure(description: "vrrp: \(path) is not a key: expected 64 to 128 hexadecimal digits")
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
  /// As in status and log: `link eth1`, `script gateway`, `fewer servers`.
  fileprivate var words: String {
    switch self {
    case .interface(let name): "link \(name)"
    case .script(let path, _, _, _): "script \(path.split(separator: "/").last ?? "")"
    case .servers: "fewer servers"
    }
  }
}
