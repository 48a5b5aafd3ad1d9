import Domain
import Linux
import Logging
import TLS
import Wire

/// Fetches OCSP responses for the certificates in use, for stapling. It uses its own thread, so that resolvers and
/// responders do not block a loop. The certificates are served regardless of the result: with the last valid response
/// until it expires, then without one.
package final class OCSPStapler: Sendable {
  private struct Subject {
    /// Those of one certificate, which several services may have: at least one.
    let pairs: [CertificatePair]
    let inquiry: OCSPRequest
    let responders: [ResponderURL]
    var schedule: StapleSchedule

    func put(_ staple: Staple?) {
      for pair in pairs { pair.staples.put(staple) }
    }
  }

  private struct State {
    var subjects: [Fingerprint: Subject] = [:]
    /// Certificates that were already logged as impossible to staple.
    var warned: Set<Fingerprint> = []
    var isRunning = false
  }

  private let log: Logger
  private let writer: BackgroundWriter<State>

  /// Starts without certificates.
  package init(log: Logger) throws(SystemError) {
    self.log = log
    writer = try BackgroundWriter(State())
  }

  /// Replaces the set of certificates. The state of certificates that stay is kept.
  package func adopt(_ certificates: [CertificatePair], at now: Instant) {
    var unstapled: [CertificatePair] = []
    let mustStart = writer.access { state in
      let earlier = state.subjects
      state.subjects = [:]
      state.warned.formIntersection(certificates.map(\.facts.fingerprint))
      for (name, pairs) in Dictionary(grouping: certificates, by: \.facts.fingerprint) {
        let facts = pairs[0].facts
        guard !facts.responders.isEmpty else { continue }
        let responders = facts.responders.compactMap(ResponderURL.init)
        guard !responders.isEmpty, let inquiry = pairs.lazy.compactMap(OCSPRequest.init(about:)).first else {
          if state.warned.insert(name).inserted { unstapled.append(pairs[0]) }
          continue
        }
        let known = earlier[name]
        let subject = Subject(
          pairs: pairs, inquiry: inquiry, responders: responders,
          schedule: known?.schedule ?? StapleSchedule(startingAt: now))
        if let known { subject.put(known.pairs[0].staples.staple(at: Clock.wall())) }
        state.subjects[name] = subject
      }
      guard !state.subjects.isEmpty, !state.isRunning else { return false }
      state.isRunning = true
      return true
    }
    for pair in unstapled {
      let title = OCSPStapler.title(of: pair)
      if pair.facts.responders.contains(where: { ResponderURL($0) != nil }) {
        log.warning("OCSP: nothing is stapled to \(title), whose issuer is not in the file: append its certificate")
      } else {
        log.warning("OCSP: nothing is stapled to \(title), which names no responder by plain http")
      }
    }
    guard mustStart else { return tick(at: now) }
    do throws(SystemError) { try writer.start(name: "stapler") { self.run() } } catch {
      writer.access { $0.isRunning = false }
      log.error("OCSP: \(error); nothing is stapled")
    }
    tick(at: now)
  }

  /// Wakes the thread when a request is due.
  package func tick(at now: Instant) {
    writer.submit { $0.subjects.values.contains { $0.schedule.due <= now } }
  }

  /// The thread's body: sends the requests that are due, each time it is woken.
  private func run() {
    while true {
      writer.next { _ in }
      while let subject = writer.access({ $0.subjects.values.first { $0.schedule.due <= Clock.monotonic() } }) {
        ask(about: subject)
      }
    }
  }

  private func ask(about subject: Subject) {
    let responder = subject.responders[subject.schedule.failures % subject.responders.count]
    let title = OCSPStapler.title(of: subject.pairs[0])
    let before = subject.schedule.failures
    do {
      let answer = try OCSPClient.ask(responder, subject.inquiry.question())
      let now = Clock.wall()
      let staple = try subject.inquiry.judge(answer, at: now)
      conclude(subject) { current in
        current.put(staple)
        current.schedule.succeeded(goodFor: staple.until - now, at: Clock.monotonic())
      }
      let hours = staple.until.seconds(since: now) / 3600
      if before == 0 {
        log.info("OCSP: \(responder) says that \(title) is good; stapled for \(hours) hours at most")
      } else {
        log.notice("OCSP: \(responder) says that \(title) is good; stapled for \(hours) hours at most")
      }
    } catch {
      let refusal = error as? StatusRefusal
      conclude(subject) { current in
        if refusal == .revoked { current.put(nil) }
        current.schedule.failed(at: Clock.monotonic())
      }
      if refusal == .revoked {
        return log.error("OCSP: \(responder) says that \(title) is revoked: replace it at once")
      }
      guard before == 0 else { return }
      let reason = (error as? ResponderFailure)?.reason ?? "\(error)"
      log.warning(
        "OCSP: \(responder) does not say that \(title) is good: \(reason); it is served without, and the responder is asked again"
      )
    }
  }

  /// Records a result, unless a reload has removed the certificate.
  private func conclude(_ subject: Subject, _ change: (inout Subject) -> Void) {
    writer.access { state in
      let name = subject.pairs[0].facts.fingerprint
      guard var current = state.subjects[name] else { return }
      change(&current)
      state.subjects[name] = current
    }
  }

  private static func title(of pair: CertificatePair) -> String { "the certificate \(pair.facts) in \(pair.origin)" }
}
