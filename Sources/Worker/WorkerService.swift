import Balancing
import Certificates
import Configuration
import Domain
import Exchange
import Linux
import Logging
import WorkerProtocol
import Synchronization
import Systemd
import TLS
import Wire

/// A worker's threads, one for each loop, one each for the access log, `affinity.file` and the pair, and their shared
/// state.
final class WorkerService: Sendable {
  private let sharedState: SharedState
  private let channel: ControlChannel
  private let log: Logger
  private let heartbeats: [Heartbeat]
  private let accessLog: AccessLogWriter
  /// One for each possible loop.
  private let metrics: [LoopFigures.Metrics]
  private let tickets: TicketKeys
  private let affinityFiles: AffinityFiles
  private let pairing: PairChannel
  private let release: String
  private let confinement: Confinement
  private let stapler: OCSPStapler
  private let traces: TraceOutlet
  private let state: Mutex<State>

  private struct State {
    var snapshot: ConfigurationSnapshot
    var isStopping = false
    /// The number of the last snapshot that every loop has adopted.
    var adopted: UInt64
    /// The figures last sent to the supervisor, and the number of the snapshot that they are of.
    var sent: (figures: WorkerFigures, number: UInt64)?
    var log = LogCounts()
    var expiry = ExpiryWatch()
    var memory = MemoryReturn()
  }

  /// Loads the first configuration. Throws the reason, for the operator, when it can not be served.
  init(
    _ setup: WorkerSetup, _ configuration: Configuration, _ confinement: Confinement, channel: ControlChannel,
    release: String, log: Logger
  ) throws(ConfigurationSnapshotError) {
    self.confinement = confinement
    self.channel = channel
    self.release = release
    self.log = log
    traces = TraceOutlet(send: channel.offer)
    heartbeats = setup.heartbeats
    metrics = setup.heartbeats.map { _ in LoopFigures.Metrics() }
    do {
      tickets = try TicketKeys(at: Clock.wall(), interval: configuration.ticketRotation)
      sharedState = try SharedState(configuration)
      accessLog = try AccessLogWriter(configuration.log)
      stapler = try OCSPStapler(log: log)
    } catch {
      throw ConfigurationSnapshotError("\(error)")
    }
    let snapshot = try ConfigurationSnapshot(
      number: setup.number, configuration, tickets: tickets, sharedState: sharedState)
    tickets.adopt(snapshot.secrets, every: configuration.ticketRotation, at: Clock.wall())
    do throws(SystemError) {
      affinityFiles = try AffinityFiles(snapshot.affinityFiles, log: log, at: Clock.monotonic())
      pairing = try PairChannel(sharedState, channel)
    } catch {
      throw ConfigurationSnapshotError("\(error)")
    }
    state = Mutex(State(snapshot: snapshot, adopted: snapshot.number))
    sharedState.adopt(snapshot, adminStates: setup.adminStates)
  }

  // MARK: Loops

  /// Starts the loops. They begin to accept when the servers' first health checks have ended.
  func start(_ setup: WorkerSetup) throws(ConfigurationSnapshotError) {
    let snapshot = state.withLock { $0.snapshot }
    warnOfUnverifiedServers(snapshot)
    sendCertificates(of: snapshot)
    staple(snapshot)
    _ = try startLoops(setup.loops)
    for listener in setup.loopListeners {
      sharedState.mailbox(of: Int(listener.identity.loop) % setup.loops).post(.inherited(listener))
    }
    do {
      guard let pair = try PairChannel.Settings(snapshot) else { return noteTables() }
      try pairing.start(pair, setup.pairListeners, release: release, log: log) { [self] in noteTables() }
    } catch {
      throw ConfigurationSnapshotError("pair: \(error)")
    }
  }

  /// What other nodes know of clients has come, or will not come.
  private func noteTables() {
    channel.send(.tablesReceived)
    sharedState.mailbox(of: 0).post(.tablesReceived)
  }

  /// Starts those of the first `count` loops that do not run, all or none, and returns their mailboxes.
  private func startLoops(_ count: Int) throws(ConfigurationSnapshotError) -> [Mailbox] {
    let before = sharedState.mailboxes
    let missing = (0..<count).filter { $0 >= before.count || !before[$0].post(.stay) }
    do {
      var mailboxes = before
      for index in missing {
        let mailbox = try Mailbox()
        if index < before.count { mailboxes[index] = mailbox } else { mailboxes.append(mailbox) }
      }
      sharedState.mailboxes = mailboxes
      for index in missing { try startLoop(index) }
      return missing.map { mailboxes[$0] }
    } catch {
      for index in missing where index < sharedState.loopCount {
        sharedState.mailbox(of: index).post(.stop(deadline: Clock.monotonic()))
      }
      sharedState.mailboxes = before
      throw ConfigurationSnapshotError("\(error)")
    }
  }

  private func startLoop(_ index: Int) throws {
    let made = Mutex<Loop?>(try makeLoop(index))
    try Thread(name: "loop-\(index)") { [self] in
      var loop = made.withLock { $0.take() }
      loop?.run()
      if state.withLock({ $0.isStopping }), sharedState.mailboxes.allSatisfy(\.isClosed) { channel.finish() }
    }.detach()
  }

  /// Only the loop itself keeps its first snapshot, which may be freed before the loop ends.
  private func makeLoop(_ index: Int) throws -> Loop {
    let snapshot = state.withLock { $0.snapshot }
    let prober = index == 0 ? try Prober(snapshot, channel: channel, log: log, at: Clock.monotonic()) : nil
    let context = try LoopContext(
      loop: index, sharedState: sharedState, snapshot: snapshot, log: log,
      accessLog: AccessLog(snapshot.configuration.log.access, writer: accessLog, hash: sharedState.logHash),
      traces: traces)
    return try Loop(
      context: context, prober: prober, mailbox: sharedState.mailbox(of: index), heartbeat: heartbeats[index],
      metrics: metrics[index])
  }

  // MARK: Commands

  /// Handles the control channel's events on the main thread.
  func handle(_ event: ControlChannel.Event) {
    switch event {
    case .stop(let bound):
      let deadline = Clock.monotonic() + bound
      state.withLock { $0.isStopping = true }
      sharedState.post(.stop(deadline: deadline))
    case .reload(let setup):
      reload(setup)
    case .server(let name, let adminState, let number):
      sharedState.apply(adminState, to: name)
      pairing.publish(adminState, of: name)
      for service in state.withLock({ $0.snapshot }).services { service.backend.reweigh() }
      // Before the reply, so that the supervisor has the number of remaining sessions.
      sendFigures()
      sharedState.mailbox(of: 0).post(.adminStateChanged(number: number))
      // When a server gets no new clients, the hash could not restore its assignments after a crash.
      affinityFiles.save()
    case .nodeFacts(let piece): pairing.publish(facts: piece)
    case .nodeVitals(let bytes): pairing.publish(vitals: bytes)
    case .stream(let message, let node): pairing.pass(message, to: node)
    case .reopenLogs: reopenLogs()
    case .trace(let order):
      let loops = sharedState.mailboxes.count { !$0.isClosed }
      traces.begin(order, loops: loops, at: Clock.monotonic())
      sharedState.post(.tracesChanged)
    case .endTrace(let number):
      traces.end(number)
      sharedState.post(.tracesChanged)
    case .tick:
      sendFigures()
      giveBackMemory()
      rotateTickets()
      warnOfExpiry()
      affinityFiles.tick(at: Clock.monotonic())
      stapler.tick(at: Clock.monotonic())
      if traces.tick(at: Clock.monotonic(), Clock.wall()) { sharedState.post(.tracesChanged) }
    }
  }

  /// Builds another snapshot and distributes it to every loop. If it can not be served, nothing changes: all steps that
  /// may fail precede the first change.
  private func reload(_ setup: WorkerSetup) {
    var loaded = setup.configuration.load()
    do throws(ConfigurationSnapshotError) {
      confinement.refuseFilesOutside(&loaded)
      let configuration = try loaded.accepted()
      let snapshot = try ConfigurationSnapshot(
        number: setup.number, configuration, tickets: tickets, sharedState: sharedState)
      // A file may have been moved away since.
      let isLoggedElsewhere =
        configuration.log.accessFile != nil || configuration.log != state.withLock({ $0.snapshot.configuration.log })
      let sink: AccessLogSink?
      do throws(SystemError) { sink = isLoggedElsewhere ? try AccessLogWriter.sink(of: configuration.log) : nil } catch
      {
        throw ConfigurationSnapshotError("access log: \(error)")
      }
      let pair: PairChannel.Settings?
      do throws(TLSError) { pair = try PairChannel.Settings(snapshot) } catch {
        throw ConfigurationSnapshotError("pair: \(error)")
      }
      let started = try startLoops(setup.loops)

      // Before a loop needs a larger table: the thread that grows it waits for every processor.
      CurrentProcess.makeRoomForDescriptors(DescriptorBudget(configuration).most)
      if let sink { accessLog.redirect(to: sink) }
      warnOfUnverifiedServers(snapshot)
      OperationalLog.setLevel(configuration.log.level)
      OperationalLog.setFacility(configuration.log.facility)
      tickets.adopt(snapshot.secrets, every: configuration.ticketRotation, at: Clock.wall())
      sharedState.adopt(snapshot, adminStates: setup.adminStates)
      staple(snapshot)
      affinityFiles.adopt(snapshot.affinityFiles, at: Clock.monotonic())
      if let pair { pairing.adopt(pair) }
      state.withLock { $0.snapshot = snapshot }
      sendCertificates(of: snapshot)
      hand(snapshot, setup)
      // The other loops know the servers' states already.
      for mailbox in started { mailbox.post(.serve) }
      loaded.warnOfFiles(log)
    } catch {
      channel.send(.refused(number: setup.number, reason: loaded.reason(of: error)))
    }
  }

  private func reopenLogs() {
    do throws(SystemError) {
      if let path = try accessLog.reopen(state.withLock { $0.snapshot.configuration.log }) {
        log.info("access log: \(path) was opened again")
      }
    } catch { log.error("access log: \(error); lines go on to the file that was open before") }
  }

  private func hand(_ snapshot: ConfigurationSnapshot, _ setup: WorkerSetup) {
    let rollout = SnapshotRollout(
      snapshot, listeners: setup.loopListeners, withdrawn: setup.withdrawn, loops: setup.loops
    ) { [self] in
      state.withLock { $0.adopted = snapshot.number }
      channel.send(.ready(number: snapshot.number))
    }
    for mailbox in sharedState.mailboxes { rollout.post(to: mailbox) }
    rollout.done()
  }

  private func warnOfUnverifiedServers(_ snapshot: ConfigurationSnapshot) {
    let read = snapshot.configuration.services.filter { $0.mode == .http }.flatMap(\.servers)
    for server in read where server.trust == .insecureNoVerification {
      log.warning(
        "server \(server.fullName) is not verified (trust: insecure-no-verification): anyone on the network path can read and change the traffic",
        metadata: ["server": "\(server.fullName)"])
    }
  }

  private func staple(_ snapshot: ConfigurationSnapshot) {
    let wanted = snapshot.services.filter(\.settings.tls.ocspStapling)
    stapler.adopt(wanted.flatMap(\.certificates), at: Clock.monotonic())
  }

  /// Only the loops know which pages of their slabs are unused.
  private func giveBackMemory() {
    let (connections, most) = (sharedState.connectionCount, sharedState.takeConnectionPeak())
    guard state.withLock({ $0.memory.isDue(connections: connections, most: most, at: Clock.monotonic()) }) else {
      return
    }
    sharedState.post(.giveBackMemory)
    Memory.giveBack()
  }

  private func rotateTickets() {
    do throws(TLSError) {
      try tickets.rotate(at: Clock.wall())
    } catch {
      log.error("session ticket keys are not rotated: \(error)")
    }
  }

  private func warnOfExpiry() {
    let notices = state.withLock { state in
      // One that is a server's too is reported as our own.
      let subjects = state.snapshot.certificates.map { ExpiryWatch.Subject($0) }
      let servers = state.snapshot.servers.compactMap { server in
        server.checks.certificate.map { ExpiryWatch.Subject($0, of: server.name) }
      }
      return state.expiry.notices(of: subjects + servers + state.snapshot.verificationSubjects, at: Clock.wall())
    }
    for notice in notices {
      let text = ExpiryWatch.text(of: notice)
      if case .ended = notice { log.error("\(text)") } else { log.warning("\(text)") }
    }
  }

  /// Reports the metrics of the last second.
  private func sendFigures() {
    let (snapshot, sent, isAdopted, log) = state.withLock {
      ($0.snapshot, $0.sent, $0.adopted == $0.snapshot.number, $0.log)
    }
    // Meanwhile loop 0 may outdate checks, and figures of before would overtake that.
    guard isAdopted else { return }
    for server in sharedState.dropEmptyServers() {
      sharedState.mailbox(of: 0).post(.serverDropped(server))
    }
    var others = WorkerCounts()
    (others.log, others.pair) = (log, pairing.counts)
    let figures = WorkerFigures(sharedState, snapshot, metrics, others)
    for event in figures.events(since: sent?.figures, isAfterReload: sent?.number != snapshot.number) {
      channel.send(event)
    }
    if figures.load.snapshots != sent?.figures.load.snapshots ?? 1 {
      self.log.debug("configurations in memory: \(figures.load.snapshots)")
    }
    state.withLock { $0.sent = (figures, snapshot.number) }
    let dropped = accessLog.takeDropped()
    state.withLock { $0.log.dropped &+= dropped }
    warn(ofDropped: dropped)
    // A supervisor that does not read gets the latest events, with the number of repetitions.
    guard !channel.isBehind else { return }
    for problem in OperationalLog.takeProblems() { channel.send(.problem(problem)) }
  }

  private func sendCertificates(of snapshot: ConfigurationSnapshot) {
    for (index, pair) in snapshot.certificates.prefix(WorkerEvent.certificateLimit).enumerated() {
      let certificate = ServedCertificate(pair)
      channel.send(.certificate(certificate, index: UInt16(clamping: index), number: snapshot.number))
    }
    for (index, authority) in snapshot.clientAuthorities.prefix(WorkerEvent.authorityLimit).enumerated() {
      channel.send(.clientAuthority(authority, index: UInt16(clamping: index), number: snapshot.number))
    }
  }

  /// Waits, for at most a second, until the access log and `affinity.file` are written: a destination may be full.
  func finish() {
    pairing.stop()
    let deadline = Clock.monotonic() + .seconds(1)
    affinityFiles.save()
    warn(ofDropped: accessLog.close(within: .seconds(1)))
    affinityFiles.waitForEnd(until: deadline)
  }

  private func warn(ofDropped count: UInt64) {
    if count > 0 { log.warning("access log: the sink is full or gone, \(count) lines were dropped") }
  }
}

extension Configuration {
  /// How often the key of all services' session tickets is replaced: the shortest of the configured intervals.
  fileprivate var ticketRotation: Interval { services.map(\.tls.ticketRotation).min() ?? .hours(12) }
}

extension ConfigurationSnapshot {
  /// What clients' certificates are verified with, for the watch of its expiry.
  fileprivate var verificationSubjects: [ExpiryWatch.Subject] {
    services.flatMap { service -> [ExpiryWatch.Subject] in
      guard let settings = service.settings.tls.clientCertificates, let verification = service.front?.verification
      else { return [] }
      let lists = settings.revocationLists.map { file in
        verification.revocationLists.compactMap { ExpiryWatch.Subject($0, in: file) }
      }
      return verification.authorities.map { ExpiryWatch.Subject($0, in: settings.authorities) } + (lists ?? [])
    }
  }

  fileprivate var affinityFiles: [AffinityFiles.File] {
    services.compactMap { service in
      service.settings.affinity.file.map { AffinityFiles.File(path: $0, affinity: service.backend.affinity) }
    }
  }
}
