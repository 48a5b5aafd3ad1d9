/// Which TLS is spoken: a profile, and the names that a site allows of it.
public struct TLSPolicy: Hashable, Sendable {
  public var profile: TLSProfile
  public var restrictions: TLSRestrictions

  public init(_ profile: TLSProfile = .intermediate, _ restrictions: TLSRestrictions = TLSRestrictions()) {
    self.profile = profile
    self.restrictions = restrictions
  }

  /// The oldest accepted version. Restrictions never lower it.
  public var minimum: TLSVersion { max(profile.minimum, restrictions.minimumVersion ?? profile.minimum) }

  /// All accepted versions, the oldest first.
  public var versions: [TLSVersion] { TLSVersion.allCases.filter { $0 >= minimum } }

  /// The ciphers up to TLS 1.2, in order of preference.
  public var ciphers: [TLSCipher] {
    restrictions.ciphers.isEmpty ? profile.ciphers : restrictions.ciphers
  }

  /// The ciphers of TLS 1.3, in order of preference.
  public var cipherSuites: [TLSCipherSuite] {
    restrictions.cipherSuites.isEmpty ? TLSCipherSuite.allCases : restrictions.cipherSuites
  }

  /// The groups of the key exchange, in order of preference.
  public var groups: [TLSGroup] {
    restrictions.groups.isEmpty ? [.x25519, .p256, .p384] : restrictions.groups
  }
}

/// What a site sets apart from a profile. An empty list stands for the profile's.
public struct TLSRestrictions: Hashable, Sendable {
  public var minimumVersion: TLSVersion?
  public var ciphers: [TLSCipher] = []
  public var cipherSuites: [TLSCipherSuite] = []
  public var groups: [TLSGroup] = []
  public var signatureAlgorithms: [TLSSignatureAlgorithm] = []

  public init() {}

  /// Whether the profile applies as it is.
  public var isEmpty: Bool { self == TLSRestrictions() }

  /// The lists that are not empty, by their keys in the configuration; each with what remains without it.
  public var lists: [(key: String, others: TLSRestrictions)] {
    var found: [(String, TLSRestrictions)] = []
    func note(_ key: String, _ isSet: Bool, _ remove: (inout TLSRestrictions) -> Void) {
      guard isSet else { return }
      var others = self
      remove(&others)
      found.append((key, others))
    }
    note("ciphers", !ciphers.isEmpty) { $0.ciphers = [] }
    note("cipher-suites", !cipherSuites.isEmpty) { $0.cipherSuites = [] }
    note("groups", !groups.isEmpty) { $0.groups = [] }
    note("signature-algorithms", !signatureAlgorithms.isEmpty) { $0.signatureAlgorithms = [] }
    return found
  }
}

extension TLSProfile {
  /// The oldest accepted version.
  public var minimum: TLSVersion {
    switch self {
    case .modern: .tls13
    case .intermediate, .legacy: .tls12
    case .old: .tls10
    }
  }

  /// The ciphers up to TLS 1.2, in order of preference.
  public var ciphers: [TLSCipher] {
    let authenticated: [TLSCipher] = [
      .ecdheECDSAWithAES128GCM, .ecdheRSAWithAES128GCM, .ecdheECDSAWithAES256GCM, .ecdheRSAWithAES256GCM,
      .ecdheECDSAWithChaCha20, .ecdheRSAWithChaCha20,
    ]
    let chained: [TLSCipher] = [.ecdheRSAWithAES128SHA256, .ecdheRSAWithAES256SHA384]
    let broken: [TLSCipher] = [
      .ecdheECDSAWithAES128SHA, .ecdheRSAWithAES128SHA, .ecdheECDSAWithAES256SHA, .ecdheRSAWithAES256SHA,
      .rsaWithAES128GCM, .rsaWithAES256GCM, .rsaWithAES128SHA256, .rsaWithAES256SHA256, .rsaWithAES128SHA,
      .rsaWithAES256SHA,
    ]
    return switch self {
    case .modern, .intermediate: authenticated
    case .legacy: authenticated + chained
    case .old: authenticated + chained + broken
    }
  }
}
