import TLS
import Wire

/// Contexts that most tests begin with.
enum Contexts {
  static let now = Instant(nanoseconds: 1_000_000_000)

  static func server(
    _ certificates: CertificatePair..., profile: TLSProfile = .intermediate, tickets: TicketKeys? = nil
  ) throws -> ServerContext {
    let certificates = try certificates.isEmpty ? [SelfSigned.make(for: ["view.domain.local"])] : certificates
    return try ServerContext(certificates: certificates, profile: profile, tickets: tickets)
  }

  /// A client that trusts whatever it meets.
  static func trusting(profile: TLSProfile = .legacy) throws -> ClientContext {
    try ClientContext(trust: .none, profile: profile)
  }
}
