import Domain
import Wire

/// What a server answered.
package struct ServerFacts: Sendable {
  /// The answer to a request with a name that clients use.
  package struct HostAnswer: Hashable, Sendable {
    package var host: String
    package var hasOrigin: Bool
    /// Nil without an answer.
    package var status: UInt16?

    package init(host: String, hasOrigin: Bool, status: UInt16?) {
      self.host = host
      self.hasOrigin = hasOrigin
      self.status = status
    }
  }

  /// Whether a server was asked.
  package enum Visit: Hashable, Sendable {
    case done
    /// Not in maintenance, which an administrator has requested.
    case inMaintenance
    /// Not in time: others were slow.
    case tooLate
  }

  /// As in the log.
  package var name: String
  /// The service's name, empty if it has none.
  package var service: String
  package var endpoint: Endpoint
  /// The statuses of a healthy answer.
  package var expected: [UInt16]
  /// Whether it was asked.
  package var visit = Visit.done
  /// Why there is no connection or no answer; nil if there is one.
  package var failure: String?
  /// Also of a server that is not trusted.
  package var certificate: PresentedCertificate?
  /// Of the health check.
  package var status: UInt16?
  package var hosts: [HostAnswer] = []
  /// How far its clock is ahead of this machine's, in seconds; nil without a Date field.
  package var secondsAhead: Int64?

  package init(name: String, service: String, endpoint: Endpoint, expected: [UInt16]) {
    self.name = name
    self.service = service
    self.endpoint = endpoint
    self.expected = expected
  }
}
