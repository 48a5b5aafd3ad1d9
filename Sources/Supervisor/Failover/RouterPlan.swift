import Configuration
import Domain
import Linux
import VRRP
import Wire

/// One virtual router as the configuration wants it on this node.
package struct RouterPlan: Hashable {
  let router: Configuration.VirtualRouter
  /// The node's own conditions by `Condition`, then the configuration's.
  let tracks: [Track]
  /// What signs advertisements, if anything does.
  let keyed: KeyedAuthentication.Settings?

  /// The places of the conditions that every virtual router has in `tracks`; the configuration's follow.
  enum Condition: Int, CaseIterable {
    case worker, servers, link
  }

  /// A node that no client can be sent on from has the least priority, whatever it had.
  private static let weightOfServers = -253
  /// How long a worker has to be ready before the node takes part again: longer than one that dies at once needs.
  private static let workerRecovery = Interval.seconds(2)

  /// Reads the keys that it names.
  init(_ router: Configuration.VirtualRouter) throws(KeyFailure) {
    self.router = router
    tracks = Self.tracks(router)
    keyed = try router.authentication.flatMap(Self.keyed)
  }

  var settings: VirtualRouterSettings { router.settings }

  /// Version 2's authentication.
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
    return own + router.tracks.map { Track(name: $0.subject.words, weight: $0.weight, recovery: $0.recovery) }
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
