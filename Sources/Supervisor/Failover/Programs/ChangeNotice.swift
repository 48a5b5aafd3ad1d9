import Domain
import VRRP
import Wire

/// A virtual router's role change, for hooks and mail.
///
/// Sent to the notifier socket (`Notifier`) as a line:
///
///     router-51 backup active 101 no Active is heard
package struct ChangeNotice: Hashable, Sendable {
  package let router: String
  package let from: VirtualRouterRole
  package let to: VirtualRouterRole
  /// The effective priority.
  package let priority: UInt8
  /// For people to read.
  package let reason: String

  /// The longest line that is read.
  package static let lineLimit = 1024

  init(router: String, _ transition: Transition) {
    self.router = router
    from = transition.from
    to = transition.to
    priority = transition.priority
    reason = Self.line("\(transition.reason)")
  }

  /// `line` is without its line end. Nil when it is invalid.
  package init?(line: String) {
    let parts = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
    // The reason may be shown on a terminal or in a mail header.
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

  /// Makes the text safe for a terminal, a log or a mail, in one line.
  private static func line(_ text: String) -> String {
    String(text.escapingControls(except: ["\n", "\t"]).map { $0 == "\n" || $0 == "\t" ? " " : $0 })
  }

  var line: String { "\(router) \(from) \(to) \(priority) \(reason)" }
}

extension ChangeNotice: CustomStringConvertible {
  package var description: String { "\(to), was \(from), priority \(priority): \(reason)" }
}

extension VirtualRouterRole {
  /// keepalived's word for the role.
  var keepalivedName: String {
    switch self {
    case .initialize: "STOP"
    case .fault: "FAULT"
    case .backup: "BACKUP"
    case .active: "MASTER"
    }
  }
}
