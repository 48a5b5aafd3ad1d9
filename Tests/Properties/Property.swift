/// An invariant for arbitrary bytes, checked by a fuzz target. A new parser needs a row here and
/// a folder of seeds in Tests/Fuzz/Corpus.
package struct Property: Sendable, CustomStringConvertible {
  /// The name of the fuzz target and of its corpus.
  package let name: String
  /// Throws the violation.
  package let check: @Sendable ([UInt8]) throws(Violation) -> Void

  package var description: String { name }

  package static let all = [
    Property(name: "request-head") { (bytes) throws(Violation) in try RequestHeadProperties.check(bytes) },
    Property(name: "response-head") { (bytes) throws(Violation) in try ResponseHeadProperties.check(bytes) },
    Property(name: "chunked-body") { (bytes) throws(Violation) in try ChunkedBodyProperties.check(bytes) },
    Property(name: "health-response") { (bytes) throws(Violation) in try HealthResponseProperties.check(bytes) },
    Property(name: "worker-message") { (bytes) throws(Violation) in try WorkerMessageProperties.check(bytes) },
    Property(name: "worker-events") { (bytes) throws(Violation) in try WorkerEventProperties.check(bytes) },
    Property(name: "configuration") { (bytes) throws(Violation) in try ConfigurationProperties.check(bytes) },
    Property(name: "advertisement") { (bytes) throws(Violation) in try AdvertisementProperties.check(bytes) },
    Property(name: "proxy-header") { (bytes) throws(Violation) in try ProxyHeaderProperties.check(bytes) },
    Property(name: "client-hello") { (bytes) throws(Violation) in try ClientHelloProperties.check(bytes) },
    Property(name: "affinity-file") { (bytes) throws(Violation) in try AffinityFileProperties.check(bytes) },
    Property(name: "control-line") { (bytes) throws(Violation) in try ControlLineProperties.check(bytes) },
    Property(name: "post-handshake") { (bytes) throws(Violation) in try PostHandshakeProperties.check(bytes) },
    Property(name: "ocsp-answer") { (bytes) throws(Violation) in try OCSPAnswerProperties.check(bytes) },
    Property(name: "certificate") { (bytes) throws(Violation) in try CertificateProperties.check(bytes) },
    Property(name: "accepted-configuration") { (bytes) throws(Violation) in
      try AcceptedConfigurationProperties.check(bytes)
    },
    Property(name: "request-path") { (bytes) throws(Violation) in try RequestPathProperties.check(bytes) },
    Property(name: "connection-id") { (bytes) throws(Violation) in try ConnectionIDProperties.check(bytes) },
    Property(name: "pair-frames") { (bytes) throws(Violation) in try PairFrameProperties.check(bytes) },
    Property(name: "apply-stream") { (bytes) throws(Violation) in try ApplyStreamProperties.check(bytes) },
    Property(name: "rates") { (bytes) throws(Violation) in try RateProperties.check(bytes) },
    Property(name: "import") { (bytes) throws(Violation) in try ImportProperties.check(bytes) },
    Property(name: "exchange") { (bytes) throws(Violation) in try ExchangeProperties.check(bytes) },
  ]
}
