import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// One health check of a server, from connecting to the last byte of the response.
struct HealthCheck: ~Copyable {
  private enum Phase {
    case connecting, handshaking, asking, reading
  }

  /// An unanswered SYN is repeated after a second: a server that does not answer the second one either is unreachable.
  static let connectTimeout = Interval.milliseconds(1_200)

  /// The key of the server's health in the prober's slab.
  let owner: SlabKey
  let began: Instant
  /// Whether it has a place among the checks that run at once (`CheckQueue`).
  var hasPlace = true
  /// Whether it waits for its turn to continue.
  var isInLine = false
  private let upstream: ServiceSnapshot.Upstream
  private let settings: Configuration.Health
  private let request: [UInt8]
  /// How late the loop was when a deadline was checked: data received meanwhile has not been read yet.
  private var grace = Interval.zero
  private var stream: Stream?
  private var phase = Phase.connecting
  private var input = Buffer()
  private var answer: HealthResponse
  /// The server's certificate, trusted or not, once it has presented one.
  private(set) var certificate: CertificateFacts?
  /// Which certificate or system call failed, and why.
  private var detail: String?

  init(of health: ServerHealth, owner: SlabKey, at now: Instant) {
    self.owner = owner
    began = now
    upstream = health.snapshot.servers[health.server]
    settings = health.snapshot.settings.health
    request = health.snapshot.healthRequest
    answer = HealthResponse(
      isToHead: settings.method == .head, expected: settings.expect, limits: health.snapshot.policy.limits)
  }

  /// When the check times out.
  var deadline: Instant {
    let timeout = settings.timeout
    return began + (phase == .connecting ? min(timeout, HealthCheck.connectTimeout) : timeout) + grace
  }

  /// Whether the check has timed out. A loop that is late, because it was busy or the machine stood still, first reads
  /// what was received meanwhile: it checks again once, after as long as it was late and at most after `timeout`.
  mutating func isOverdue(at now: Instant) -> Bool {
    guard now >= deadline else { return false }
    let late = now - deadline
    guard grace == .zero, late > HealthCheck.punctuality else { return true }
    grace = Interval(nanoseconds: late.nanoseconds &+ min(late, settings.timeout).nanoseconds)
    return false
  }

  /// When it returns its place, if it waits for its server until then.
  var placeEnds: Instant { hasPlace ? began + CheckSchedule.overlapDelay : .distantFuture }

  /// The maximum lateness of timers on a loop that is not overloaded.
  private static let punctuality = Interval.milliseconds(50)

  /// The phase of the check, for the log.
  var stage: CheckFailure.Stage {
    switch phase {
    case .connecting: .connection
    case .handshaking: .handshake
    case .asking, .reading: .answer
    }
  }

  /// Details of a failure beyond the result.
  func detail(of result: CheckResult) -> String? {
    guard case .failed = result, upstream.sendsProxyHeader, phase == .handshaking else { return detail }
    let note = "a PROXY protocol header was sent (send-proxy-v2)"
    return detail.map { "\($0); \(note)" } ?? note
  }

  /// The status of the response, once its head is complete.
  var status: UInt16? { answer.status }

  mutating func became(_ readiness: Readiness) { stream?.became(readiness) }

  /// Begins to connect; returns the result if that fails at once.
  mutating func begin(token: UInt64, _ poller: borrowing Poller) -> CheckResult? {
    do throws(SystemError) {
      let descriptor = try Socket.connect(to: upstream.identity.endpoint)
      try poller.watch(descriptor, token: token)
      stream = Stream(plain: descriptor)
      return nil
    } catch {
      return result(of: error)
    }
  }

  /// The result for the server after a failed connection attempt.
  private mutating func result(of error: SystemError) -> CheckResult {
    switch error.connectFault {
    case .shortage:
      detail = error.description
      return .inconclusive
    case .path: return .failed(.unreachable)
    case .server: return .failed(error.code == SystemError.connectionRefused ? .refused : .unreachable)
    }
  }

  /// The state of a check after a step.
  enum Progress {
    /// Waiting for its socket.
    case waits
    /// There is more to read, after other connections had their turn.
    case yields
    case over(CheckResult)
  }

  /// Rounds per turn: limits the loop time taken by a server that sends without end.
  static let roundsPerTurn = 8

  /// Continues as far as possible without blocking, for a limited time.
  mutating func proceed(_ buffers: inout BufferPool) -> Progress {
    for _ in 0..<HealthCheck.roundsPerTurn {
      let step =
        switch phase {
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

  /// Closes the connection.
  consuming func end(_ buffers: inout BufferPool) {
    if phase == .reading { _ = stream?.sendEnd() }
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
    if upstream.sendsProxyHeader {
      let header = ProxyHeader.localBytes
      switch stream?.write(header.span) {
      case .bytes(header.count): break
      case .wouldBlock:
        detail = "no memory for the PROXY protocol header"
        return .over(.inconclusive)
      case .bytes, .broken, nil: return .over(.failed(.closed(stage: .connection)))
      }
    }
    if settings.check == .tcp { return .over(.passed) }
    let security = upstream.security
    do throws(TLSError) {
      try stream?.startTLS(context: security.context, serverName: security.serverName, session: nil)
    } catch {
      // Nothing has been sent yet: OpenSSL has no memory.
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
      certificate = failure.refusal?.leaf
      return .over(CheckResult(of: failure))
    case .done, nil:
      certificate = stream?.tls?.peerCertificate
      if settings.check == .tls { return .over(.passed) }
      phase = .asking
      return .again
    }
  }

  /// Sends the request. It fits into one record and an empty socket, so it is sent at once or not at all.
  private mutating func ask() -> Step {
    let request = request
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

extension CheckResult {
  /// The result for the server after a failed TLS handshake.
  init(of failure: TLSFailure) {
    self =
      switch failure.blame {
      case .peer: .failed(.handshake)
      case .verification: .failed(.certificate)
      case .system: .inconclusive
      }
  }
}
