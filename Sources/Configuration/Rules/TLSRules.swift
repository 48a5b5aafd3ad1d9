import Domain

/// Rules about what TLS is spoken.
extension Rules {
  static func checkTLS(_ service: Configuration.Service, _ reader: inout Reader) {
    checkProfiles(service, &reader)
    if service.mode == .http { check(service.tls.restrictions, at: "tls", of: [service.tls.profile], &reader) }
    let profiles = service.servers.isEmpty ? [service.serverTLSProfile] : service.servers.map(\.tls.profile)
    check(service.serverTLS, at: "server-tls", of: profiles, &reader)
    checkRefusedNames(service, &reader)
  }

  /// Warns about uses of the profile `old`.
  private static func checkProfiles(_ service: Configuration.Service, _ reader: inout Reader) {
    let warning = "TLS 1.0 and 1.1 are broken: an attacker on the network path may read and change the traffic"
    let advice =
      "Use `old` only for what can do nothing newer, and pin its certificate: weak keys and MD5 pass as well."
    var places: [Mark?] = []
    if service.tls.profile == .old { places.append(reader.mark("tls", "profile")) }
    if service.serverTLSProfile == .old { places.append(reader.mark("server-tls-profile")) }
    for server in service.servers where server.tls.profile == .old {
      places.append(reader.mark("servers", server.name, "tls-profile"))
    }
    for place in places.compactMap({ $0 }) { reader.warn(warning, at: place, advice) }
  }

  /// `profiles`: those that are restricted.
  private static func check(
    _ restrictions: TLSRestrictions, at key: String, of profiles: [TLSProfile], _ reader: inout Reader
  ) {
    guard !restrictions.isEmpty else { return }
    if let minimum = restrictions.minimumVersion, let place = reader.mark(key, "minimum-version"),
      let lowest = profiles.min(by: { $0.minimum < $1.minimum }), minimum < lowest.minimum
    {
      reader.error(
        "\(minimum) is older than what the profile `\(lowest.rawValue)` accepts, \(lowest.minimum) and later",
        at: place,
        minimum < .tls12 ? "Only the profile `old` has TLS 1.0 and 1.1." : "The profile `intermediate` has TLS 1.2.")
    }
    checkDuplicates(restrictions.ciphers, at: [key, "ciphers"], &reader)
    checkDuplicates(restrictions.cipherSuites, at: [key, "cipher-suites"], &reader)
    checkDuplicates(restrictions.groups, at: [key, "groups"], &reader)
    checkDuplicates(restrictions.signatureAlgorithms, at: [key, "signature-algorithms"], &reader)
    if let place = reader.mark(key, "ciphers"),
      !profiles.contains(where: { TLSPolicy($0, restrictions).minimum < .tls13 })
    {
      reader.warn("`ciphers` does nothing: only TLS 1.3 is spoken", at: place, "Its ciphers go under `cipher-suites`.")
    }
    for (index, cipher) in restrictions.ciphers.enumerated() where cipher.lacksForwardSecrecy {
      guard let place = reader.mark(in: [key, "ciphers"], item: index) else { continue }
      reader.warn(
        "with `\(cipher.rawValue)` whoever gets the private key later can decrypt what was recorded", at: place,
        "Name it only for peers that can do nothing newer.")
    }
    let algorithms = restrictions.signatureAlgorithms
    // Old servers may have nothing newer than TLS 1.2.
    if key == "tls", let place = reader.mark(key, "signature-algorithms"), !algorithms.isEmpty,
      !algorithms.contains(where: \.isForTLS13)
    {
      reader.error(
        "no handshake of TLSv1.3 is possible: it has none of these signature algorithms", at: place,
        "Add `\(TLSSignatureAlgorithm.pssSHA256.rawValue)` for certificates with RSA keys.")
    }
  }

  private static func checkDuplicates<Name: TLSName>(_ names: [Name], at path: [String], _ reader: inout Reader) {
    var earlier: Set<Name> = []
    for (index, name) in names.enumerated() where !earlier.insert(name).inserted {
      guard let place = reader.mark(in: path, item: index) else { continue }
      reader.error("`\(name.rawValue)` is given twice", at: place)
    }
  }

  private static func checkRefusedNames(_ service: Configuration.Service, _ reader: inout Reader) {
    for (index, refused) in service.tls.refusedNames.enumerated() {
      guard let place = reader.mark(in: ["tls", "refuse-names"], item: index) else { continue }
      let own = service.clientNames.map(\.text).first { name in
        name == refused || refused == "*" + (name.firstIndex(of: ".").map { String(name[$0...]) } ?? "")
      }
      guard let own else { continue }
      reader.error("clients of the service ask for `\(own)`, and would get no handshake", at: place)
    }
  }
}
