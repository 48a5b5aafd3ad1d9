import Balancing
import Domain
import Linux
import Logging
import TLS
import Testing
import Wire
import WorkerProtocol

@testable import Worker

@Suite struct `The last check of a server` {
  private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func note(_ result: CheckResult, _ health: inout ServerHealth, at now: Instant) -> Bool? {
    _ = health.record(result, nil, began: now, at: now, random: 1)
    health.publish(result, status: nil, took: .zero)
    return health.shared.checks.last?.isConfirming
  }

  @Test func `confirms a state once there was a result`() throws {
    let testLoop = try TestLoop.make()
    var health = ServerHealth(0, testLoop.loop.context.snapshot.services[0], at: testLoop.now)
    #expect(note(.inconclusive, &health, at: testLoop.now) == false)
    #expect(note(.passed, &health, at: testLoop.now) == true)
    #expect(note(.inconclusive, &health, at: testLoop.now) == true)
    #expect(note(.failed(.refused), &health, at: testLoop.now) == false)
  }

  @Test func `confirms nothing after a reload that changes how the server is checked`() throws {
    for isChanged in [false, true] {
      var testLoop = try TestLoop.make(settings: "health: { fall: 2 }")
      let pair = try MessageSocket.Pair()
      let ours = MessageSocket(owning: try pair.theirs.descriptor.duplicate())
      let channel = try ControlChannel(owning: pair.takeOurs().descriptor.duplicate())
      let now = testLoop.now
      var prober = try Prober(testLoop.loop.context.snapshot, channel: channel, log: silent, at: now)
      var health = ServerHealth(0, testLoop.loop.context.snapshot.services[0], at: now)
      #expect(note(.passed, &health, at: now) == true)
      try testLoop.reload(servers: [0], settings: "health: { fall: \(isChanged ? 3 : 2) }", serverSettings: "")
      prober.adopt(testLoop.loop.context.snapshot, &testLoop.loop.context)
      #expect(health.shared.checks.last?.isConfirming == !isChanged)
      guard isChanged else { continue }
      guard case .message(let message) = try ours.receive(limit: MessageLimit.message),
        case .serverCheck(let check, let identity) = try WorkerEvent(decoding: message.bytes.span)
      else {
        Issue.record("the supervisor is not told")
        continue
      }
      #expect(!check.isConfirming && identity.name == "view01")
    }
  }
}

@Suite struct `The certificate of a server` {
  /// A check that has seen this certificate.
  private func check(
    _ presented: CertificateFacts?, _ health: ServerHealth, _ prober: borrowing Prober, _ context: inout LoopContext
  ) -> ServerCertificate? {
    let former = health.shared.checks.last?.certificate
    health.publish(.passed, status: 200, took: .zero, presented)
    if let presented { prober.compare(presented, of: health.shared, former, &context) }
    return health.shared.checks.last?.certificate
  }

  private func prober(_ testLoop: borrowing TestLoop) throws -> Prober {
    let channel = try ControlChannel(owning: MessageSocket.Pair().theirs.descriptor.duplicate())
    let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return try Prober(testLoop.loop.context.snapshot, channel: channel, log: silent, at: testLoop.now)
  }

  @Test func `is compared with those that clients are shown, and a difference is logged once`() throws {
    let log = RecordedLog()
    var testLoop = try TestLoop.make(log: log.log)
    let prober = try prober(testLoop)
    let service = testLoop.loop.context.snapshot.services[0]
    let health = ServerHealth(0, service, at: testLoop.now)
    let own = try #require(service.certificates.first).facts
    let other = try SelfSigned.make(for: ["view01.test"]).facts
    #expect(check(own, health, prober, &testLoop.loop.context)?.isShown == true)
    #expect(log.lines.isEmpty)
    for presented in [other, other, nil] {
      let certificate = check(presented, health, prober, &testLoop.loop.context)
      #expect(certificate?.isShown == false && certificate?.fingerprint == "\(other.fingerprint)")
      #expect(certificate?.notAfter == other.notAfter)
    }
    #expect(log.lines.count == 1 && log.lines[0].contains("than clients are shown: CN=view01.test"), "\(log.lines)")
    for _ in 0..<2 { #expect(check(own, health, prober, &testLoop.loop.context)?.isShown == true) }
    #expect(log.lines.count == 2 && log.lines[1].hasSuffix("is the one that clients are shown again"), "\(log.lines)")
  }

  @Test func `is not compared where clients are shown the server's own`() throws {
    let log = RecordedLog()
    var testLoop = try TestLoop.make(isPassthrough: true, log: log.log)
    let prober = try prober(testLoop)
    let health = ServerHealth(0, testLoop.loop.context.snapshot.services[0], at: testLoop.now)
    let other = try SelfSigned.make(for: ["view01.test"]).facts
    let certificate = try #require(check(other, health, prober, &testLoop.loop.context))
    #expect(certificate.isShown == nil && log.lines.isEmpty)
  }
}
