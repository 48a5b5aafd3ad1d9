import Domain
import TLS
import Testing

@testable import Worker

private let causes: [TLSFailure.Cause] = [
  .closed, .timeout, .certificateAlert, .alert, .parameters, .name, .notTLS, .plainHTTP, .noCertificate,
  .badCertificate, .invalid, .local,
]

@Suite struct `Failed handshakes` {
  @Test(arguments: causes)
  func `are counted by the name that traces give them`(cause: TLSFailure.Cause) {
    var counters = Counters()
    counters.handshakeFailed(cause)
    let counted = counters.worker.handshakes.failures.named.filter { $0.value > 0 }.map(\.name)
    #expect(counted == [cause.counterName] && counters.refused.handshakes == 1)
  }
}
