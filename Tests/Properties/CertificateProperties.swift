import TLS
import Wire

/// Properties of any bytes encoded as a certificate in a file with a valid one: the valid one is served, whatever the
/// others are, and each finding about them is one line.
package enum CertificateProperties {
  /// `bytes` in DER.
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    for seconds: Int64 in [0, 1_800_000_000, 253_402_300_800] {
      let time = WallTime(seconds: seconds)
      for isFirst in [true, false] {
        let other = pem(bytes)
        let file = isFirst ? other + KnownCertificate.pem : KnownCertificate.pem + other
        let pair: CertificatePair
        do throws(TLSError) { pair = try CertificatePair(pem: file, origin: "fuzz.pem", at: time) } catch {
          try require(isOneLine("\(error)"), "no line: \(error)")
          continue
        }
        try require(isOneLine("\(pair.facts)"), "no line: \(pair.facts)")
        for finding in pair.findings(at: time) { try require(isOneLine("\(finding)"), "no line: \(finding)") }
        for name in pair.facts.names + pair.facts.addresses + pair.facts.responders {
          try require(isOneLine(name), "no line: \(name)")
        }
        // A staple requires an issuer in the file.
        guard let inquiry = OCSPRequest(about: pair) else { continue }
        try require((try? inquiry.question())?.isEmpty == false, "no question")
      }
    }
  }

  private static func isOneLine(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
  }

  private static func pem(_ bytes: [UInt8]) -> [UInt8] {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text = Array("-----BEGIN CERTIFICATE-----\n".utf8)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = (0..<3).map { start + $0 < bytes.count ? Int(bytes[start + $0]) : 0 }
      let word = group[0] << 16 | group[1] << 8 | group[2]
      let count = min(3, bytes.count - start) + 1
      for place in 0..<4 { text.append(place < count ? digits[word >> (18 - 6 * place) & 63] : UInt8(ascii: "=")) }
      if start % 48 == 45 { text.append(UInt8(ascii: "\n")) }
    }
    return text + Array("\n-----END CERTIFICATE-----\n".utf8)
  }
}
