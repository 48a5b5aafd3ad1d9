import Wire

extension Configuration {
  /// Which clients may use a service, and which paths of it.
  package struct Access: Equatable, Sendable {
    /// Lists of client networks; both empty: all are allowed.
    package struct Networks: Equatable, Sendable {
      package var allow: [IPPrefix] = []
      package var deny: [IPPrefix] = []

      package init() {}

      package var isEmpty: Bool { allow.isEmpty && deny.isEmpty }
    }

    /// A rule for a path and everything below it.
    package struct Path: Equatable, Sendable {
      /// As `ComparedPath` has it.
      package var path: String
      package var networks: Networks
    }

    package var networks = Networks()
    /// In the file's order.
    package var paths: [Path] = []

    package init() {}

    /// The most path rules: a request is compared with each.
    static let mostPaths = 32

    /// Whether there is no rule.
    package var isEmpty: Bool { networks.isEmpty && paths.isEmpty }
  }
}
