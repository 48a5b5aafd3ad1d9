import Balancing
import Configuration
import Domain
import Linux
import TLS
import Wire

/// One server's health: when its checks begin, and the state that follows from their results. It uses the settings of
/// the snapshot that last contained the server.
struct ServerHealth {
  /// Maximum of concurrent checks of one server: each uses one of the reserved descriptors.
  static let mostChecksAtOnce = DescriptorBudget.checksPerServer

  /// The server's index in the service's snapshot.
  private(set) var server: Int
  private(set) var snapshot: ServiceSnapshot
  var schedule: CheckSchedule
  private(set) var tracker: HealthTracker
  /// The running checks, by their keys in the prober's slab.
  var checks: [SlabKey] = []
  /// Whether a check is due and waits for a place.
  var isQueued = false
  /// Whether a check with these settings has had a result.
  private var hasResult = false
  /// Details of the last failure beyond the result: which certificate was rejected, and why.
  private(set) var detail: String?

  /// `earlier`: the tracker of the same server in an earlier snapshot.
  init(_ server: Int, _ snapshot: ServiceSnapshot, continuing earlier: HealthTracker? = nil, at now: Instant) {
    let health = snapshot.settings.health
    self.server = server
    self.snapshot = snapshot
    let overlap = min(health.fall, ServerHealth.mostChecksAtOnce)
    schedule = CheckSchedule(
      pace: .init(interval: health.interval, jitter: health.jitter, overlap: overlap), startingAt: now)
    tracker = earlier ?? HealthTracker(rise: health.rise, fall: health.fall, lossTime: health.lossTime)
    tracker.rise = health.rise
    tracker.fall = health.fall
    tracker.lossTime = health.lossTime
  }

  /// Continues as the health of another snapshot's server, including running checks: their results must not be lost,
  /// and reloads in quick succession must not delay the server's state. False when that snapshot's server is another
  /// one or is checked with other settings.
  mutating func continueHealth(as other: Int, of next: ServiceSnapshot) -> Bool {
    let (mine, theirs) = (snapshot.servers[server], next.servers[other])
    guard shared === next.backend.servers[other], mine.security.serverName == theirs.security.serverName,
      mine.security.context.isEquivalent(to: theirs.security.context),
      snapshot.settings.health == next.settings.health,
      snapshot.settings.mode == next.settings.mode
    else { return false }
    server = other
    snapshot = next
    return true
  }

  var shared: SharedServer { snapshot.backend.servers[server] }

  /// The server's name and address in the snapshot.
  var identity: ServerIdentity { snapshot.servers[server].identity }

  /// Whether the certificate verification is the same in another snapshot.
  func isTrusted(like upstream: ServiceSnapshot.Upstream) -> Bool {
    snapshot.servers[server].security.context.isEquivalent(to: upstream.security.context)
  }

  /// The server's current administrative state.
  var wanted: AdminState.Mode? { snapshot.backend.adminState(of: server) }

  /// Publishes the server's state.
  func publish(_ state: ServerState) {
    if let began = tracker.slowStart.began { shared.returned(at: began) }
    snapshot.backend.set(state, at: server)
  }

  /// Publishes what happens to current exchanges at the server.
  func publish(_ presence: ServerPresence) { snapshot.backend.lose(server, presence) }

  /// Publishes a check's result; called after `record`. `presented`: the server's certificate, nil if the check has not
  /// seen it.
  func publish(_ result: CheckResult, status: UInt16?, took: Interval, _ presented: CertificateFacts? = nil) {
    var (isMade, hasFailed) = (true, false)
    let words: String
    switch result {
    case .passed, .disabled: words = status.map { "\($0)" } ?? "passed"
    case .failed(let failure):
      words = "\(failure)"
      hasFailed = true
    case .inconclusive:
      words = "not made"
      isMade = false
    }
    let (count, needed) = tracker.pending ?? (0, hasResult ? 0 : 1)
    let certificate = presented ?? shared.checks.certificate
    shared.note(
      ServerCheck(
        time: Clock.wall(), result: detail.map { "\(words): \($0)" } ?? words, milliseconds: took.milliseconds,
        count: UInt64(count), needed: UInt64(needed),
        certificate: certificate.map {
          ServerCertificate(fingerprint: "\($0.fingerprint)", notAfter: $0.notAfter, isShown: isShown($0))
        }),
      certificate, isMade: isMade, hasFailed: hasFailed)
  }

  /// Whether clients of the service are shown this certificate, which those of the gateways on the server require; nil in
  /// mode `passthrough`.
  private func isShown(_ certificate: CertificateFacts) -> Bool? {
    let own = snapshot.certificates
    return own.isEmpty ? nil : own.contains { $0.facts.fingerprint == certificate.fingerprint }
  }

  /// Sets or removes the server's administrative state; returns the resulting transition, if any.
  mutating func apply(_ state: AdminState.Mode?, at now: Instant) -> Transition? { tracker.set(state, at: now) }

  /// Records the result of a check; returns the resulting transition, if any.
  mutating func record(
    _ result: CheckResult, _ detail: String?, began: Instant, at now: Instant, random: UInt64
  ) -> Transition? {
    self.detail = detail
    if result != .inconclusive { hasResult = true }
    let transition = tracker.record(result, began: began, at: now)
    let urgency = result == .inconclusive ? .doubt : tracker.urgency
    schedule.ended(began, at: now, urgency: urgency, random: random)
    return transition
  }
}
