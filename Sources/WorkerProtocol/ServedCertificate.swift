import Wire

/// A certificate that clients are shown.
package struct ServedCertificate: Hashable, Sendable {
  /// No more names are told of one certificate: with the longest that DNS has they fit a message.
  package static let nameLimit = 32

  /// The generation that shows it.
  package var generation: UInt64
  /// Its place among the generation's certificates, from 0.
  package var place: UInt16
  /// The file that it came from.
  package var file: String
  package var subject: String
  /// The serial number in hexadecimal digits.
  package var serial: String
  /// SHA-256 of its encoding, in hexadecimal digits.
  package var fingerprint: String
  /// Seconds since 1970 after which it is not valid; 0 when that is earlier.
  package var notAfter: UInt64
  /// Names and addresses that it is for, the first `nameLimit`.
  package var names: [String]

  /// Names beyond `nameLimit` are left out.
  package init(
    generation: UInt64, place: UInt16, file: String, subject: String, serial: String, fingerprint: String,
    notAfter: UInt64, names: [String]
  ) {
    self.generation = generation
    self.place = place
    self.file = file
    self.subject = subject
    self.serial = serial
    self.fingerprint = fingerprint
    self.notAfter = notAfter
    self.names = Array(names.prefix(ServedCertificate.nameLimit))
  }
}

// Texts of a certificate are an authority's: each has a limit, so that all of them fit a message.

private let shortLimit = 255
private let subjectLimit = 1024

extension ServedCertificate: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(
      fields: generation, place, Text(file, MessageLimit.name), Text(subject, subjectLimit), Text(serial, shortLimit),
      Text(fingerprint, shortLimit), notAfter, UInt8(names.count))
    for name in names { Text(name, shortLimit).append(to: &writer) }
  }
}

extension FieldReader {
  mutating func servedCertificate() throws(MessageError) -> ServedCertificate {
    var certificate = ServedCertificate(
      generation: try uint64(), place: try uint16(), file: try text("file", limit: MessageLimit.name),
      subject: try text("subject", limit: subjectLimit), serial: try text("serial number", limit: shortLimit),
      fingerprint: try text("fingerprint", limit: shortLimit), notAfter: try uint64(), names: [])
    let count = Int(try uint8())
    guard count <= ServedCertificate.nameLimit else { throw .invalidField("number of names") }
    for _ in 0..<count { certificate.names.append(try text("name", limit: shortLimit)) }
    return certificate
  }
}
