import Domain
import VRRP
import Wire

/// A virtual router's change of role, as hooks and mail are told of it.
///
/// On the way to whoever runs them (`Notifier`) it is a line:
///
///     router-51 backup active 101 no Active is heard
package struct ChangeNotice: Hashable, Sendable {
  package let router: String
  package let from: VirtualRouterRole
  package let to: VirtualRouterRole
  /// The effective priority.
  package let priority: UInt8
  /// For people.
  package let reason: String

  /// More is not read.
  package static let lineLimit = 1024

  init(router: String, _ transition: Transition) {
    self.router = router
    from = transition.from
    to = transition.to
    priority = transition.priority
    reason = Self.line("\(transition.reason)")
  }

  /// Without the line's end; nil when it is none.
  package init?(line: String) {
    let parts = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
    // Whoever reads the reason may be a terminal, or a mail's header.
    guard line.utf8.count <= Self.lineLimit, line == Self.line(line), parts.count == 5,
      let from = VirtualRouterRole(rawValue: parts[1]), let to = VirtualRouterRole(rawValue: parts[2]),
      let priority = UInt8(parts[3])
    else { return nil }
    router = parts[0]
    self.from = from
    self.to = to
    self.priority = priority
    reason = parts[4]
  }

  /// What no terminal, log or mail takes for more than text, in one line.
  private static func line(_ text: String) -> String {
    String(text.escapingControls(except: ["\n", "\t"]).map { $0 == "\n" || $0 == "\t" ? " " : $0 })
  }

  var line: String { "\(router) \(from) \(to) \(priority) \(reason)" }
}

extension ChangeNotice: CustomStringConvertible {
  package var description: String { "\(to), was \(from), priority \(priority): \(reason)" }
}

extension VirtualRouterRole {
  /// The word that keepalived has for it.
  var keepalivedName: String {
    switch self {
    case .initialize: "STOP"
    case .fault: "FAULT"
    case .backup: "BACKUP"
    case .active: "MASTER"
    }
  }
}
