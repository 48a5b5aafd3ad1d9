/// Which certificates are presented for which server name (RFC 6066 §3): those with exactly that name, else those with
/// a wildcard for it, else the default set. A set holds one certificate for each kind of key, so that RSA and ECDSA
/// certificates for one name serve side by side.
struct CertificateSelection {
  /// Indices into the certificates that were given, without repetition; set 0 is the default: the first certificate and
  /// those that stand beside it for its first name.
  private(set) var sets: [[Int]]
  /// From a name to its set.
  private var exact: [String: Int] = [:]
  /// From what follows `*.` to its set.
  private var wildcard: [String: Int] = [:]

  /// `certificates` is not empty; names are in lower case.
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

  /// The set for a name as the client sent it; the default for none or an unknown one. A wildcard stands for exactly
  /// one label (RFC 6125 §6.4.3).
  func set(for name: String?) -> Int { name.flatMap(ownSet) ?? 0 }

  /// Whether there is a certificate for a name.
  func hasSet(for name: String) -> Bool { ownSet(for: name) != nil }

  private func ownSet(for name: String) -> Int? {
    let name = name.lowercased()
    if let set = exact[name] { return set }
    guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
    return wildcard[String(name[name.index(after: dot)...])]
  }
}
