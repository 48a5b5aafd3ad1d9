import Wire

/// The fields that tell servers of a client's verified certificate. Clients and proxies cannot send them where a service
/// verifies certificates; see `ForwardingFieldNames.certificateNames`.
public enum CertificateFields {
  /// The lines for a client with a certificate. Subject and issuer are distinguished names (RFC 2253), the serial number
  /// is in hexadecimal digits, the fingerprint SHA-256. Nil if one of them is not printable ASCII.
  public static func lines(
    subject: String, issuer: String, serialNumber: String, fingerprint: String
  ) -> [UInt8]? {
    let lines = [
      ("X-SSL-Client-Verify", "SUCCESS"), ("X-SSL-Client-DN", subject), ("X-SSL-Client-Issuer-DN", issuer),
      ("X-SSL-Client-Serial", serialNumber), ("X-SSL-Client-Fingerprint", fingerprint),
    ]
    guard lines.allSatisfy({ $0.1.utf8.allSatisfy { (0x20...0x7e).contains($0) } }) else { return nil }
    return lines.flatMap { Array("\($0): \($1)\r\n".utf8) }
  }

  /// The line for a client without one.
  public static let linesWithoutCertificate = Array("X-SSL-Client-Verify: NONE\r\n".utf8)
}
