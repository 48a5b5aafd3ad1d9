/// The certificates for each server name (RFC 6066 §3): those with exactly that name, else those with a matching
/// wildcard, else the default set. A set has one certificate for each key type, so that RSA and ECDSA certificates for
/// one name can be used together.
struct CertificateSelection {
  /// Indices of the given certificates, without duplicates; set 0 is the default: the first certificate and those of
  /// other key types with its first name.
  private(set) var sets: [[Int]]
  /// The set of each name.
  private var exact: [String: Int] = [:]
  /// The set of each wildcard, by what follows `*.`.
  private var wildcard: [String: Int] = [:]

  /// `certificates` must not be empty; names are in lower case.
  init(_ certificates: [(names: [String], keyType: CertificatePair.KeyType)]) {
    var members: [String: [Int]] = [:]
    for (index, certificate) in certificates.enumerated() {
      for name in certificate.names {
        let present = members[name, default: []]
        if present.allSatisfy({ certificates[$0].keyType != certificate.keyType }) {
          members[name] = present + [index]
        }
      }
    }
    let first = certificates[0].names.first.flatMap { members[$0] }
    sets = [first ?? [0]]
    for (name, indices) in members {
      let set = sets.firstIndex(of: indices) ?? sets.count
      if set == sets.count { sets.append(indices) }
      if name.hasPrefix("*.") {
        wildcard[String(name.dropFirst(2))] = set
      } else {
        exact[name] = set
      }
    }
  }

  /// The set for a client's server name; the default for an unknown or missing one. A wildcard matches exactly one
  /// label (RFC 6125 §6.4.3).
  func set(for name: String?) -> Int { name.flatMap(ownSet) ?? 0 }

  /// Whether any certificate has this name.
  func hasSet(for name: String) -> Bool { ownSet(for: name) != nil }

  private func ownSet(for name: String) -> Int? {
    let name = name.lowercased()
    if let set = exact[name] { return set }
    guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
    return wildcard[String(name[name.index(after: dot)...])]
  }
}
