import Certificates
import Configuration
import Domain
import Linux
import Logging
import TLS
import Wire

/// The certificate of `belvedere observe`, and the warnings before it expires. It is read once, at the start.
struct ObserverCertificate {
  /// How often the clock is compared with its end.
  private static let period = Interval.seconds(3600)

  /// For new connections.
  let context: ServerContext
  /// When it expires.
  let end: WallTime
  private let subject: ExpiryWatch.Subject
  private var watch = ExpiryWatch()
  /// When `warn` is due.
  private(set) var nextLook = Clock.monotonic()

  /// Reads the files.
  init(_ settings: Configuration.Certificate) throws(TLSError) {
    let pair = try CertificatePair(path: settings.chain, keyPath: settings.key)
    // Clients connect once and stay, so that sessions are not resumed.
    context = try ServerContext(certificates: [pair], profile: .intermediate, tickets: nil)
    end = pair.facts.notAfter
    subject = ExpiryWatch.Subject(ofObserver: pair)
  }

  /// Logs that it expires soon or has expired, if that is due.
  mutating func warn(_ log: Logger) {
    let now = Clock.monotonic()
    guard now >= nextLook else { return }
    nextLook = now + Self.period
    for notice in watch.notices(of: [subject], at: Clock.wall()) {
      log.warning("observe: \(ExpiryWatch.text(of: notice))")
    }
  }
}
