import Wire

extension Configuration {
  /// The fields that are set and removed on the way.
  package struct Headers: Equatable, Sendable {
    /// Of one direction.
    package struct Edits: Equatable, Sendable {
      package var set: [Field] = []
      package var remove: [String] = []

      package init() {}

      package var isEmpty: Bool { remove.isEmpty && self.set.isEmpty }
    }

    /// A field that is set, with its value.
    package struct Field: Equatable, Sendable {
      package let name, value: String
    }

    /// To servers.
    package var request = Edits()
    /// To clients.
    package var response = Edits()

    package init() {}
  }

  /// HTTP Strict Transport Security (RFC 6797).
  package struct TransportSecurity: Equatable, Sendable {
    /// How long a browser uses https only. Zero ends it.
    package var maxAge = Interval.hours(24 * 365)
    package var includesSubdomains = false
    /// Consent to be in browsers' own lists.
    package var preload = false

    package init() {}

    /// The value of Strict-Transport-Security.
    package var text: String {
      "max-age=\(maxAge.nanoseconds / 1_000_000_000)" + (includesSubdomains ? "; includeSubDomains" : "")
        + (preload ? "; preload" : "")
    }
  }
}
