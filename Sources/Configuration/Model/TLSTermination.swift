import Domain
import Wire

extension Configuration {
  /// What clients see of TLS.
  package struct TLSTermination: Equatable, Sendable {
    /// The first is shown to clients that send no server name, or one that no certificate is good for.
    package var certificates: [Certificate] = []
    package var profile = TLSProfile.intermediate
    /// Whether sessions are resumed by ticket (RFC 5077, RFC 8446 §2.2).
    package var tickets = true
    /// How often the key that seals tickets is replaced. Tickets of the previous key are still accepted.
    package var ticketRotation = Interval.hours(12)
    /// Whether the authorities of certificates that name an OCSP responder are asked, and clients told.
    package var ocspStapling = true
  }

  /// A certificate chain in PEM, the leaf first, and its private key.
  package struct Certificate: Hashable, Sendable {
    /// Path of the chain.
    package var chain: String
    /// Path of the private key; nil when the key is in the chain's file.
    package var key: String?

    package init(chain: String, key: String? = nil) {
      self.chain = chain
      self.key = key
    }
  }
}
