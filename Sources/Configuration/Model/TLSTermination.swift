import Domain
import Wire

extension Configuration {
  /// The TLS settings for clients.
  package struct TLSTermination: Equatable, Sendable {
    /// The first is used for clients that send no server name, or one that matches no certificate.
    package var certificates: [Certificate] = []
    package var profile = TLSProfile.intermediate
    package var restrictions = TLSRestrictions()
    /// Names for which a client gets no handshake; `*.domain.local` stands for one more label.
    package var refusedNames: [String] = []
    package var unknownNames = UnknownNames.serve
    /// Whether sessions can be resumed by ticket (RFC 5077, RFC 8446 §2.2).
    package var tickets = true
    /// How often the ticket key is replaced. Tickets of the previous key are still accepted.
    package var ticketRotation = Interval.hours(12)
    /// Whether OCSP responses are requested from the responders named in the certificates, and stapled for clients.
    package var ocspStapling = true
    /// Nil: clients are not asked for certificates.
    package var clientCertificates: ClientCertificates?

    package var policy: TLSPolicy { TLSPolicy(profile, restrictions) }

    /// What becomes of a client that asks for no name, or for one that neither the service nor a certificate has.
    package enum UnknownNames: String, CaseIterable, Sendable {
      /// It gets the first certificate.
      case serve
      /// It gets no handshake.
      case refuse
    }
  }

  /// Which certificates clients must have.
  package struct ClientCertificates: Equatable, Sendable {
    /// Path of the authorities.
    package var authorities = ""
    /// Path of their revocation lists; nil if none are checked.
    package var revocationLists: String?
    /// Whether clients without a certificate are refused.
    package var isRequired = true
    /// Whether servers are told of the certificate in header fields.
    package var sendsFields = false

    package init() {}
  }

  /// A PEM certificate chain, the leaf first, and its private key.
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
