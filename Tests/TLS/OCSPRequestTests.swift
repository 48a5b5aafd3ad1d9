import COpenSSL
import Simulation
import Testing
import Wire

@testable import TLS

/// Which OCSP answers are accepted. The signatures are real; the times are those of each test.
struct OCSPRequestTests {
  private static let now = WallTime(seconds: 1_800_000_000)
  private let issuer = CertificateFactory.authority("Root")
  private let leaf: CertificateFactory.IssuedCertificate
  private let inquiry: OCSPRequest

  init() throws {
    leaf = CertificateFactory.leaf(signedBy: issuer)
    inquiry = try #require(OCSPRequest(about: try leaf.pair(with: [issuer])))
  }

  private func judge(_ answer: [UInt8]) -> Result<Staple, StatusRefusal> {
    do throws(StatusRefusal) { return .success(try inquiry.judge(answer, at: Self.now)) } catch {
      return .failure(error)
    }
  }

  private func answer(_ singles: [ForgedOCSPAnswer.Single], signer: CertificateFactory.IssuedCertificate? = nil)
    -> [UInt8]
  {
    ForgedOCSPAnswer.answer(singles, issuer: issuer, signer: signer ?? issuer)
  }

  /// thisUpdate, nextUpdate and the result: `now` is 15 January 2027, 8:00.
  @Test(
    arguments: [
      ("20270115075900Z", "20270116080000Z", .success(1_800_086_400)),
      ("20270115075900Z", "99991231235959Z", .success(253_402_300_799)),
      ("00000101000000Z", "99991231235959Z", .success(253_402_300_799)),
      ("19690101000000Z", "20270116080000Z", .success(1_800_086_400)),
      ("20270115075900Z", nil, .success(1_800_003_600)),
      ("20270115080500Z", "20270116080000Z", .success(1_800_086_400)),
      ("20270115080501Z", "20270116080000Z", .failure(.early)),
      ("99991231235959Z", "99991231235959Z", .failure(.early)),
      ("20270115075900Z", "20270115080000Z", .failure(.stale)),
      ("19690101000000Z", "19700101000000Z", .failure(.stale)),
      ("20270115080400Z", "20270115080100Z", .failure(.malformed)),
    ] as [(String, String?, Result<Int64, StatusRefusal>)])
  func `an answer is valid from thisUpdate to nextUpdate (RFC 6960 §4.2.2.1)`(
    begin: String, end: String?, expected: Result<Int64, StatusRefusal>
  ) {
    #expect(judge(answer([.init(leaf, begin: begin, end: end)])).map(\.until.seconds) == expected)
  }

  @Test func `an answer with bytes before or after it, or after its inner response, is malformed`() {
    let good = answer([.init(leaf)])
    #expect(judge(good) == .success(Staple(answer: good, until: WallTime(seconds: 253_402_300_799))))
    for junk in [[0], [0, 0], Array("\r\n".utf8), good] {
      #expect(judge(good + junk) == .failure(.malformed))
      #expect(judge(junk + good) == .failure(.malformed))
      #expect(judge(ForgedOCSPAnswer.packing(ForgedOCSPAnswer.unpacked(good) + junk)) == .failure(.malformed))
    }
    #expect(
      judge(ForgedOCSPAnswer.packing(ForgedOCSPAnswer.unpacked(good)))
        == .success(Staple(answer: good, until: WallTime(seconds: 253_402_300_799)))
    )
    for count in 0..<good.count { #expect(judge(Array(good[..<count])) == .failure(.malformed)) }
    // Non-minimal and indefinite lengths: BER, which DER forbids (X.690 §10.1).
    #expect(judge([0x30, 0x83, 0x00] + good[2...]) == .failure(.malformed))
    #expect(judge([0x30, 0x80] + good[4...] + [0, 0]) == .failure(.malformed))
  }

  @Test func `only the issuer or its delegated responder may sign (RFC 6960 §4.2.2.2)`() {
    let single = [ForgedOCSPAnswer.Single(leaf)]
    func delegate(
      _ extensions: [(Int32, String)], by authority: CertificateFactory.IssuedCertificate,
      _ validity: ClosedRange<Int> = -60...86_400
    )
      -> CertificateFactory.IssuedCertificate
    {
      CertificateFactory.make("Responder", signedBy: authority, extensions: extensions, validity: validity)
    }
    let mandate = [(NID_ext_key_usage, "OCSPSigning")]
    #expect((try? judge(answer(single, signer: delegate(mandate, by: issuer))).get()) != nil)
    for other in [
      delegate([], by: issuer), delegate([(NID_ext_key_usage, "serverAuth")], by: issuer),
      delegate(mandate, by: CertificateFactory.authority("Root")), delegate(mandate, by: issuer, -7200 ... -60), leaf,
      CertificateFactory.authority("Root"),
    ] {
      guard case .failure(.unsigned) = judge(answer(single, signer: other)) else {
        Issue.record("\(CertificateFacts(reading: other.certificate)?.subject ?? "") may not sign")
        continue
      }
    }
  }

  @Test func `of several statements the worst one about this certificate applies`() {
    let other = CertificateFactory.leaf("other.test", signedBy: issuer)
    let namesake = CertificateFactory.leaf(signedBy: CertificateFactory.authority("Root"))
    let revoked = ForgedOCSPAnswer.Single(leaf, status: V_OCSP_CERTSTATUS_REVOKED)
    let ended = ForgedOCSPAnswer.Single(leaf, begin: "20250101000000Z", end: "20260101000000Z")
    let short = ForgedOCSPAnswer.Single(leaf, end: "20270116080000Z")
    #expect(judge(answer([.init(other), .init(leaf)])).map(\.until.seconds) == .success(253_402_300_799))
    #expect(judge(answer([.init(other)])) == .failure(.ofAnother))
    #expect(judge(answer([.init(namesake)])) == .failure(.ofAnother))
    #expect((try? judge(answer([])).get()) == nil)
    #expect(judge(answer([.init(leaf), short])).map(\.until.seconds) == .success(1_800_086_400))
    #expect(judge(answer([.init(leaf), revoked])) == .failure(.revoked))
    #expect(judge(answer([ended, revoked])) == .failure(.revoked))
    #expect(judge(answer([.init(leaf), ended])) == .failure(.stale))
    #expect(
      judge(answer([.init(other, status: V_OCSP_CERTSTATUS_REVOKED), .init(leaf)])).map(\.until.seconds)
        == .success(253_402_300_799))
    #expect(judge(answer([.init(leaf, status: V_OCSP_CERTSTATUS_UNKNOWN)])) == .failure(.unknownCertificate))
  }

  @Test func `an answer with a nonce is accepted although the request had none`() {
    let answer = ForgedOCSPAnswer.answer(
      [.init(leaf)], issuer: issuer, signer: issuer, nonce: [UInt8](repeating: 7, count: 32))
    #expect(judge(answer).map(\.until.seconds) == .success(253_402_300_799))
  }

  /// A modified answer never traps. An accepted one is complete.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func `a mutated answer is accepted only if it is valid DER and current`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let seeds = [
      answer([.init(leaf)]), answer([.init(leaf, begin: "00000101000000Z"), .init(leaf)]),
      answer([.init(leaf, status: V_OCSP_CERTSTATUS_REVOKED)]),
    ]
    for _ in 0..<Scale.count(250) {
      var bytes = seeds.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        }
      }
      if case .success(let staple) = judge(bytes) {
        #expect(staple.until > Self.now && DEREnvelope.isOCSPResponse(bytes.span), "\(bytes)")
      }
    }
  }
}
