import TLS
import Wire

/// Properties of any bytes that an OCSP responder sends: there is a verdict, and a staple is a complete, current
/// answer.
package enum OCSPAnswerProperties {
  private static let inquiry: OCSPRequest? = (try? CertificatePair(pem: KnownCertificate.pem, origin: "known.pem"))
    .flatMap { OCSPRequest(about: $0) }

  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let inquiry = try require(inquiry, "no inquiry")
    for seconds: Int64 in [0, 1_800_000_000, 253_402_300_700] {
      let time = WallTime(seconds: seconds)
      let staple: Staple
      do throws(StatusRefusal) { staple = try inquiry.judge(bytes, at: time) } catch {
        try require(!"\(error)".isEmpty, "no reason")
        continue
      }
      try require(DEREnvelope.isOCSPResponse(bytes.span), "stapled, and no OCSPResponse")
      try require(!DEREnvelope.isOCSPResponse((bytes + [0]).span), "an OCSPResponse with a zero behind it")
      try require(!DEREnvelope.isOCSPResponse(bytes.span.extracting(droppingLast: 1)), "an OCSPResponse cut short")
      try require(staple.answer == bytes && staple.until > time, "stapled until \(staple.until) at \(seconds)")
    }
  }
}
