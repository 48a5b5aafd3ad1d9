import Balancing
import Domain
import TLS

/// A loop's counters since its start. Used by one thread only; the loop publishes them once a second.
struct Counters: CounterSet {
  var connections: UInt64 = 0
  var requests: UInt64 = 0
  var refused = RefusedCounts()
  var datagrams = DatagramCounts()
  var worker = WorkerCounts()
  var loop = LoopCounts()

  mutating func forEach(with other: Counters, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    change("connections", &connections, other.connections)
    change("requests", &requests, other.requests)
    refused.forEach(with: other.refused, change)
    datagrams.forEach(with: other.datagrams, change)
    worker.forEach(with: other.worker, change)
    loop.forEach(with: other.loop, change)
  }

  /// Counts a completed handshake with a client.
  mutating func handshakeCompleted(isResumed: Bool) {
    if isResumed { worker.handshakes.resumed &+= 1 } else { worker.handshakes.full &+= 1 }
  }

  /// Counts a failed one.
  @inline(never)
  mutating func handshakeFailed(_ cause: TLSFailure.Cause) {
    refused.handshakes &+= 1
    worker.handshakes.failures.count(cause)
  }

  /// Counts what a client has done more often than its rate allows.
  mutating func rateExceeded(_ subject: RateRules.Subject) {
    switch subject {
    case .connections: worker.limits.connectionRate &+= 1
    case .handshakes: worker.limits.handshakeRate &+= 1
    case .requests: worker.limits.requestRate &+= 1
    }
  }

  /// Counts a connection or a request that was refused because its client has as many as it may have.
  mutating func clientLimitReached() { worker.limits.connectionsPerAddress &+= 1 }
}

extension HandshakeFailureCounts {
  fileprivate mutating func count(_ cause: TLSFailure.Cause) {
    switch cause {
    case .closed: closed &+= 1
    case .timeout: timeout &+= 1
    case .certificateAlert: certificate &+= 1
    case .alert: alert &+= 1
    case .parameters: parameters &+= 1
    case .name: name &+= 1
    case .notTLS, .plainHTTP: notTLS &+= 1
    case .noCertificate: noClientCertificate &+= 1
    case .badCertificate: badClientCertificate &+= 1
    case .invalid: invalid &+= 1
    case .local: local &+= 1
    }
  }
}

extension TLSFailure.Cause {
  /// The name of its counter.
  var counterName: String? {
    var counts = HandshakeFailureCounts()
    counts.count(self)
    return counts.named.first { $0.value > 0 }?.name
  }
}
