import Domain
import Wire

/// The kinds for the verification of certificates.

extension Kind where Value == Trust {
  /// A word, or a mapping with one of two keys.
  static let trust = Kind(
    name: "`system`, `insecure-no-verification`, or a mapping, see [trust](#trust)",
    expected: "`system`, `insecure-no-verification`, or a mapping with `ca` or `fingerprint`",
    read: { node, reader in
      guard case .mapping(let entries) = node.content else { return words.read(node, &reader) }
      guard let written = Schema.trust.read(node, &reader) else { return nil }
      switch (written.authority, written.fingerprints) {
      case (let file?, nil): return .authority(file: file)
      case (nil, let fingerprints?): return .fingerprints(fingerprints)
      case (nil, nil):
        if entries.isEmpty { reader.error("expected `ca` or `fingerprint` here", at: node.mark) }
        return nil
      case (_?, _?):
        reader.error("`ca` and `fingerprint` exclude each other", at: node.mark)
        return nil
      }
    },
    write: words.write)

  private static let words = Kind.text(
    "`system` or `insecure-no-verification`",
    expected: "`system`, `insecure-no-verification`, or a mapping with `ca` or `fingerprint`",
    write: { $0 == .insecureNoVerification ? "insecure-no-verification" : "system" }
  ) { text throws(Complaint) in
    switch text {
    case "system": .system
    case "insecure-no-verification": .insecureNoVerification
    default: nil
    }
  }
}

/// The mapping form of `trust`.
struct WrittenTrust: DefaultInitialized {
  var authority: String?
  var fingerprints: [Fingerprint]?
}

extension Kind where Value == Fingerprint {
  /// In the forms of `openssl x509 -fingerprint -sha256` and of browsers: with or without colons, in either case.
  static let fingerprint = Kind.text(
    "SHA-256 fingerprint", expected: "a SHA-256 fingerprint of 64 hexadecimal digits",
    write: { Hexadecimal.text($0.bytes, separator: ":") }
  ) { text throws(Complaint) in
    let digits = text.utf8.filter { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: " ") }
    guard let bytes = Hexadecimal.bytes(digits) else { return nil }
    if bytes.count == 20 {
      throw Complaint(
        message: "this is a SHA-1 fingerprint; it takes SHA-256, 64 hexadecimal digits",
        suggestion: "openssl x509 -noout -fingerprint -sha256 -in server.pem")
    }
    return Fingerprint(bytes: bytes)
  }
}

extension Kind where Value == Configuration.Certificate {
  /// A path when the key is in the same file, otherwise both paths.
  static let certificate = Kind(
    name: "path, or a mapping, see [tls.certificates](#tlscertificates)",
    expected: "a path, or a mapping with `certificate` and `key`",
    read: { node, reader in
      if case .mapping = node.content { return Schema.certificate.read(node, &reader) }
      return Kind<String>.path(.certificate).read(node, &reader).map { Configuration.Certificate(chain: $0) }
    },
    write: \.chain)
}
