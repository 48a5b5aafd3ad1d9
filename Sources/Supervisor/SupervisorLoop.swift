import Control
import Domain
import Glibc
import Linux
import Systemd
import Wire

/// The supervisor's event loop: waits for sockets, signals and deadlines, and passes events to `Supervision`, the
/// virtual routers first, since they have the closest deadlines. Nothing else blocks.
struct SupervisorLoop: ~Copyable {
  /// Read here, and blocked in the worker from its start: the worker stops on command, not when a terminal or service
  /// manager signals the process group.
  static let signals = [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2]

  private var service: Supervision
  private let signalReader: SignalReader
  private let publisher: StatusPublisher
  /// When heartbeats and other periodic work are due.
  private var nextTick = Clock.monotonic() + HeartbeatWatch.period
  /// The service manager's watchdog; nil where it has none.
  private let watchdog: Interval?
  private var nextWatchdog = Instant(nanoseconds: 0)
  /// When the observer gets the next status.
  private var nextPublication = Instant(nanoseconds: 0)
  /// The last status sent to the service manager.
  private var statusLine = ""

  init(_ service: consuming Supervision, _ publisher: StatusPublisher) throws(SystemError) {
    let signalReader = try SignalReader(Self.signals)
    Signals.ignoreBrokenPipes()
    try service.poller.watchLevel(signalReader.descriptor, token: SupervisorToken(.signals).rawValue)
    self.service = service
    self.publisher = publisher
    self.signalReader = signalReader
    // Half the watchdog's timeout, as sd_watchdog_enabled(3) recommends.
    watchdog = ServiceNotification.watchdogMicroseconds.map { .microseconds($0 / 2) }
  }

  /// Runs the service until it stops or fails, and returns the exit status.
  consuming func run() -> Int32 {
    service.begin()
    while service.exitStatus == nil {
      let count = service.poller.wait(timeout)
      let events = (0..<count).map { SupervisorToken(rawValue: service.poller.event(at: $0).token) }
      service.serveRouters(events)
      service.readWorker()
      if events.contains(where: { $0.kind == .signals }) { readSignals() }
      if events.contains(where: { $0.kind == .adminStateFile }) { service.noteSavedStates() }
      if events.contains(where: { $0.kind == .statusEncoder }) { service.operators.sendEncoded(at: Clock.monotonic()) }
      service.serveOperators(events)
      service.serveStreams()
      service.serveTraces()
      handleTimeouts()
    }
    service.abandonAddresses()
    service.endTraces()
    return service.exitStatus ?? 0
  }

  /// How long the poller may wait.
  private var timeout: Interval {
    if service.hasWork { return .zero }
    var next = nextTick
    if let deadline = service.deadline { next = min(next, deadline) }
    if watchdog != nil { next = min(next, nextWatchdog) }
    return next - Clock.monotonic()
  }

  private mutating func readSignals() {
    while let signal = signalReader.next() { service.handle(signal: signal) }
  }

  private mutating func handleTimeouts() {
    let now = Clock.monotonic()
    service.handleTimeouts(at: now)
    if now >= nextTick {
      nextTick = now + HeartbeatWatch.period
      service.tick(at: now)
      publishStatus(at: now)
    }
    if let watchdog, now >= nextWatchdog, service.isHealthy(at: now) {
      nextWatchdog = now + watchdog
      ServiceNotification.watchdog.send()
    }
  }

  /// Sends the status to the service manager when it has changed, and to `belvedere observe` every second.
  private mutating func publishStatus(at now: Instant) {
    if service.isObserved, now >= nextPublication {
      nextPublication = now + StatusPublisher.period
      var report = service.report()
      // Those who read metrics and the page learn of no client that is traced.
      report.traces = []
      report.problems.removeAll { $0.text.hasPrefix("trace: ") }
      // Nor of weaknesses, and of paths on the other node.
      for index in report.pair?.nodes.indices ?? 0..<0 { report.pair?.nodes[index].findings = nil }
      publisher.publish(report)
    }
    guard let line = service.statusLine, line != statusLine else { return }
    statusLine = line
    service.announce(.status(line))
  }
}
