import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// One server's health check: its schedule, what its results add up to, and the check under way. It goes by the snapshot
/// that named the server last.
struct HealthCheck: ~Copyable {
  private enum Phase {
    case idle, connecting, handshaking, asking, reading
  }

  /// By its index in the snapshot.
  private(set) var server: Int
  var schedule: CheckSchedule
  private(set) var tracker: HealthTracker
  private var snapshot: ConfigurationSnapshot
  private var stream: Stream?
  private var phase = Phase.idle
  private var input = Buffer()
  private var answer: HealthAnswer
  /// More than the result says about the last failure: which certificate, and why.
  private(set) var detail: String?

  /// `earlier` is what an earlier snapshot knew of the same server.
  init(_ server: Int, _ snapshot: ConfigurationSnapshot, continuing earlier: HealthTracker? = nil, at now: Instant) {
    let health = snapshot.configuration.health
    self.server = server
    self.snapshot = snapshot
    answer = HealthAnswer(isToHead: health.method == .head, limits: snapshot.policy.limits)
    schedule = CheckSchedule(
      pace: .init(interval: health.interval, timeout: health.timeout, jitter: health.jitter), startingAt: now)
    tracker = earlier ?? HealthTracker(rise: health.rise, fall: health.fall)
    tracker.rise = health.rise
    tracker.fall = health.fall
  }

  /// Goes on as the check of another snapshot's server, the one under way included: a server that is asked has to be
  /// heard, and reloads that follow each other quickly must not keep anybody from learning how it is. False when that
  /// snapshot's server is another one or checked otherwise.
  mutating func goOn(as other: Int, of next: ConfigurationSnapshot) -> Bool {
    let (mine, theirs) = (snapshot.servers[server], next.servers[other])
    guard shared === next.backend.servers[other], mine.security.serverName == theirs.security.serverName,
      mine.security.context.hasSameTrust(as: theirs.security.context),
      snapshot.configuration.health == next.configuration.health,
      snapshot.configuration.mode == next.configuration.mode
    else { return false }
    server = other
    snapshot = next
    return true
  }

  var shared: SharedServer { snapshot.backend.servers[server] }

  /// What makes the server's certificate acceptable is the same to another snapshot.
  func isTrusted(like upstream: ConfigurationSnapshot.Upstream) -> Bool {
    snapshot.servers[server].security.context.hasSameTrust(as: upstream.security.context)
  }

  /// What an operator wants of the server now.
  var wanted: HealthTracker.AdminState? { snapshot.backend.adminState(of: server) }

  /// Publishes the server's state.
  func publish(_ state: ServerState) { snapshot.backend.set(state, at: server) }

  /// Publishes that the server does not answer any more.
  func publishLoss() { snapshot.backend.lose(server) }

  /// What the check under way waits for.
  var stage: CheckFailure.Stage {
    switch phase {
    case .idle, .connecting: .connection
    case .handshaking: .handshake
    case .asking, .reading: .answer
    }
  }

  /// Sets the server's administrative state, or takes it back; answers with the change of state when there is one.
  mutating func apply(_ state: HealthTracker.AdminState?) -> Transition? { tracker.set(state) }

  mutating func became(_ readiness: Readiness) { stream?.became(readiness) }

  /// Begins a check; answers when it has failed already.
  mutating func begin(token: UInt64, _ context: inout LoopContext) -> CheckResult? {
    schedule.began(at: context.now)
    detail = nil
    answer = HealthAnswer(
      isToHead: snapshot.configuration.health.method == .head, limits: snapshot.policy.limits)
    do throws(SystemError) {
      let descriptor = try Socket.connect(to: snapshot.servers[server].endpoint)
      try context.poller.watch(descriptor, token: token)
      stream = Stream(plain: descriptor)
      phase = .connecting
      return nil
    } catch {
      return result(of: error)
    }
  }

  /// What it says about the server that it could not be connected to.
  private mutating func result(of error: SystemError) -> CheckResult {
    switch error.connectFault {
    case .shortage:
      detail = error.description
      return .inconclusive
    case .path: return .failed(.unreachable)
    case .server: return .failed(error.code == SystemError.connectionRefused ? .refused : .unreachable)
    }
  }

  /// Where a check stands after a turn.
  enum Progress {
    /// For its socket.
    case waits
    /// There is more to read, but others have waited long enough.
    case yields
    case over(CheckResult)
  }

  /// Rounds before others get their turn: a server that sends without end takes no more of the loop than these.
  static let roundsPerTurn = 8

  /// Goes on as far as it can without waiting, and not for long.
  mutating func proceed(_ buffers: inout BufferPool) -> Progress {
    for _ in 0..<HealthCheck.roundsPerTurn {
      let step =
        switch phase {
        case .idle: Step.wait
        case .connecting: connect()
        case .handshaking: handshake()
        case .asking: ask()
        case .reading: read(&buffers)
        }
      switch step {
      case .again: continue
      case .wait: return .waits
      case .yield: return .yields
      case .over(let result): return .over(result)
      }
    }
    return .yields
  }

  /// Notes the result, closes the connection, and answers with the change of state when there is one.
  mutating func end(
    with result: CheckResult, at now: Instant, random: UInt64, _ buffers: inout BufferPool
  ) -> Transition? {
    if phase == .reading { _ = stream?.sendEnd() }
    stream = nil
    phase = .idle
    buffers.giveBack(&input)
    let transition = tracker.record(result)
    schedule.ended(at: now, isInDoubt: tracker.isInDoubt || result == .inconclusive, random: random)
    return transition
  }

  /// Ends a check without a result.
  mutating func abandon(_ buffers: inout BufferPool) {
    stream = nil
    phase = .idle
    buffers.giveBack(&input)
  }

  private enum Step {
    case again
    case wait
    case yield
    case over(CheckResult)
  }

  private mutating func connect() -> Step {
    guard stream?.isSettled == true, let number = stream?.descriptor.number else { return .wait }
    let code = Socket.error(of: number)
    guard code == 0 else { return .over(result(of: SystemError("connect", code: code))) }
    if snapshot.configuration.health.check == .tcp { return .over(.passed) }
    let security = snapshot.servers[server].security
    do throws(TLSError) {
      try stream?.startTLS(context: security.context, serverName: security.serverName, session: nil)
    } catch {
      // Nothing has been sent yet: it is OpenSSL that has no memory.
      detail = "\(error)"
      return .over(.inconclusive)
    }
    phase = .handshaking
    return .again
  }

  private mutating func handshake() -> Step {
    switch stream?.tls?.handshake() {
    case .wantsRead, .wantsWrite: return .wait
    case .yield: return .yield
    case .failed(let failure):
      detail = failure.description
      return .over(.failed(failure.blame == .verification ? .certificate : .handshake))
    case .done, nil:
      if snapshot.configuration.health.check == .tls { return .over(.passed) }
      phase = .asking
      return .again
    }
  }

  /// The request fits into one record and an empty socket: sent at once or not at all.
  private mutating func ask() -> Step {
    let request = snapshot.healthRequest
    switch stream?.write(request.span) {
    case .bytes(request.count):
      phase = .reading
      return .again
    case .wouldBlock: return .wait
    case .bytes, .broken, nil: return .over(.failed(.closed(stage: .answer)))
    }
  }

  private mutating func read(_ buffers: inout BufferPool) -> Step {
    buffers.lease(&input)
    if input.room == 0 { input.compact() }
    if input.room == 0 { return .over(.failed(.malformed)) }
    switch stream?.read(into: &input) {
    case .bytes: return examine(end: nil)
    case .wouldBlock, nil: return .wait
    case .yield: return .yield
    case .ended(let end): return examine(end: end)
    }
  }

  private mutating func examine(end: StreamEnd?) -> Step {
    var next = answer
    let step = next.advance(over: input.bytes, end: end)
    answer = next
    input.consume(step.accepted)
    return step.verdict.map { .over($0) } ?? .again
  }
}
