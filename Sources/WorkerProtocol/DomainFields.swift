import Domain
import Wire

// Encoding and decoding of the domain's types.

extension AdminState: MessageField {}

extension StreamMessage: MessageField {}

extension TraceEvent: MessageField {}

/// Number, whether secrets are reported, duration, and the subject's kind and text.
extension TraceOrder: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(
      fields: number, (hasSecrets ? 1 : 0) as UInt8, duration.nanoseconds, Text(subject.kind, MessageLimit.node),
      Text(subject.text, TraceSubject.cookieLimit))
  }
}

extension ServerIdentity: MessageField {
  func append(to writer: inout ByteWriter) { writer.append(fields: Text(name, MessageLimit.name), endpoint) }
}

/// Four bytes each, so that sums over the reports of 1,024 servers do not overflow.
extension ServerLoad: MessageField {
  func append(to writer: inout ByteWriter) {
    for count in [clients, sessions, exchanges, flows, waiting, connections, weightPercent] {
      writer.append(fields: UInt32(clamping: count))
    }
  }
}

extension ServerCheck: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(fields: time.milliseconds, milliseconds, count, needed, Text(result, MessageLimit.reason))
    guard let certificate else { return writer.append(fields: 0 as UInt8) }
    let comparison: UInt8 = certificate.isShown.map { $0 ? 3 : 2 } ?? 1
    writer.append(
      fields: comparison, certificate.notAfter.milliseconds, Text(certificate.fingerprint, shortLimit))
  }
}

extension Problem: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(fields: time.milliseconds, UInt32(clamping: count), Text(text, MessageLimit.reason))
  }
}

extension ServedCertificate {
  /// Maximum of names per certificate: with the longest DNS names they fit into a message.
  package static let nameLimit = 32
}

// A certificate's texts are chosen by its issuer: each has a length limit, so that all of them fit into a message.

private let shortLimit = 255
private let subjectLimit = 1024

extension ServedCertificate: MessageField {
  func append(to writer: inout ByteWriter) {
    let names = names.prefix(Self.nameLimit)
    writer.append(
      fields: notAfter.milliseconds, Text(file, MessageLimit.name), Text(subject, subjectLimit),
      Text(serial, shortLimit), Text(fingerprint, shortLimit), UInt8(names.count))
    for name in names { Text(name, shortLimit).append(to: &writer) }
  }
}

extension ClientAuthority: MessageField {
  func append(to writer: inout ByteWriter) {
    let flags: UInt8 = (kind == .authority ? 0 : 1) | (isRequired ? 2 : 0) | (end == nil ? 0 : 4)
    writer.append(
      fields: flags, end?.milliseconds ?? 0, Text(service, MessageLimit.name), Text(file, MessageLimit.name),
      Text(subject, subjectLimit))
  }
}

extension FieldReader {
  mutating func serverIdentity() throws(MessageError) -> ServerIdentity {
    ServerIdentity(name: try text("server name", limit: MessageLimit.name), endpoint: try endpoint())
  }

  mutating func serverLoad() throws(MessageError) -> ServerLoad {
    ServerLoad(
      clients: UInt64(try uint32()), sessions: UInt64(try uint32()), exchanges: UInt64(try uint32()),
      flows: UInt64(try uint32()), waiting: UInt64(try uint32()), connections: UInt64(try uint32()),
      weightPercent: UInt64(try uint32()))
  }

  mutating func serverCheck() throws(MessageError) -> ServerCheck {
    var check = ServerCheck(
      time: try time(), result: "", milliseconds: try uint64(), count: try uint64(), needed: try uint64())
    check.result = try text("result", limit: MessageLimit.reason)
    let comparison = try uint8()
    guard comparison <= 3 else { throw .invalidField("certificate") }
    guard comparison > 0 else { return check }
    check.certificate = ServerCertificate(
      fingerprint: "", notAfter: try time(), isShown: comparison == 1 ? nil : comparison == 3)
    check.certificate?.fingerprint = try text("fingerprint", limit: shortLimit)
    return check
  }

  mutating func problem() throws(MessageError) -> Problem {
    Problem(time: try time(), count: UInt64(try uint32()), text: try text("problem", limit: MessageLimit.reason))
  }

  mutating func traceOrder() throws(MessageError) -> TraceOrder {
    let (number, flags, duration) = (try uint32(), try uint8(), Interval(nanoseconds: try uint64()))
    guard flags < 2 else { throw .invalidField("flags") }
    let kind = try text("kind", limit: MessageLimit.node)
    let text = try text("subject", limit: TraceSubject.cookieLimit)
    guard let subject = TraceSubject(kind: kind, text), subject.text == text else { throw .invalidField("subject") }
    return TraceOrder(number: number, subject: subject, hasSecrets: flags == 1, duration: duration)
  }

  mutating func servedCertificate() throws(MessageError) -> ServedCertificate {
    var certificate = ServedCertificate(notAfter: try time())
    certificate.file = try text("file", limit: MessageLimit.name)
    certificate.subject = try text("subject", limit: subjectLimit)
    certificate.serial = try text("serial number", limit: shortLimit)
    certificate.fingerprint = try text("fingerprint", limit: shortLimit)
    let count = Int(try uint8())
    guard count <= ServedCertificate.nameLimit else { throw .invalidField("number of names") }
    for _ in 0..<count { certificate.names.append(try text("name", limit: shortLimit)) }
    return certificate
  }

  mutating func clientAuthority() throws(MessageError) -> ClientAuthority {
    let (flags, end) = (try uint8(), try time())
    guard flags < 8 else { throw .invalidField("flags") }
    guard flags & 4 != 0 || end.milliseconds == 0 else { throw .invalidField("end") }
    var authority = ClientAuthority(flags & 1 == 0 ? .authority : .revocationList)
    authority.isRequired = flags & 2 != 0
    authority.end = flags & 4 == 0 ? nil : end
    authority.service = try text("service", limit: MessageLimit.name)
    authority.file = try text("file", limit: MessageLimit.name)
    authority.subject = try text("subject", limit: subjectLimit)
    return authority
  }
}
