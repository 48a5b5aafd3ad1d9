import Apply
import Configuration
import Glibc
import Linux
import Wire

/// The receiver's process: accepts one connection after the other, and performs what `ReceiverStateMachine` decides.
struct ApplyReceiver: ~Copyable {
  private let configuration: String
  private let service: ControlSocket
  private let key: [UInt8]
  private let listener: Descriptor
  private let signals: SignalReader
  private let poller: Poller
  private var machine = ReceiverStateMachine(at: Clock.monotonic())
  private var change: ConfigurationChange?
  private var connection: SignedConnection?
  private var hasEnded = false

  private enum Source: UInt64 { case listener, signals }
  private typealias Token = PollerToken<Source>

  /// How long a connection may take until its first request, which shows that it has the key. The next one waits, and a
  /// requester waits longer than for several of these.
  private static let greetingTimeout = Interval.seconds(2)
  private static let sendTimeout = Interval.seconds(10)

  /// What the sandbox of belvedere-apply.service can't open. The service checks it with each reload.
  private static let unopened: Set<FileReference.Purpose> = [
    .hook, .advertisementKey, .accessLog, .affinity, .serverState,
  ]

  /// `listener`: a local socket. `configuration`: the path.
  init(
    _ listener: consuming Descriptor, configuration: String, _ service: ControlSocket, key: [UInt8]
  ) throws(SystemError) {
    let signals = try SignalReader([SIGTERM, SIGINT])
    let poller = try Poller()
    try poller.watchLevel(listener, token: Token(.listener).rawValue)
    try poller.watchLevel(signals.descriptor, token: Token(.signals).rawValue)
    self.signals = signals
    self.poller = poller
    self.listener = listener
    self.configuration = configuration
    self.service = service
    self.key = key
  }

  /// Returns when there is nothing to do for a while, or after a signal; never with an unconfirmed change.
  mutating func run() {
    while !hasEnded {
      let sources = wait(until: machine.deadline ?? .distantFuture)
      if sources.contains(.signals), signals.next() != nil { handle(.stop) }
      if sources.contains(.listener), !hasEnded { accept() }
      if !hasEnded { handle(.timer) }
    }
  }

  private func wait(until deadline: Instant) -> Set<Source> {
    let milliseconds = (deadline - Clock.monotonic()).milliseconds
    let count = poller.wait(milliseconds: Int32(clamping: min(milliseconds + 1, 60_000)))
    return Set((0..<count).compactMap { Token(rawValue: poller.event(at: $0).token).kind })
  }

  private mutating func accept() {
    do throws(SystemError) {
      if let socket = try LocalSocket.accept(from: listener) { serve(socket) }
    } catch { log("\(error)") }
  }

  /// Handles a connection until its end.
  private mutating func serve(_ socket: consuming Descriptor) {
    do {
      var accepted = try SignedConnection(socket, .receiver, key: key)
      try accepted.watch(signals)
      let deadline = Clock.monotonic() + Self.greetingTimeout
      try accepted.greet(until: deadline)
      try accepted.open(until: deadline)
      guard case .message(let first) = try accepted.receive(until: deadline) else {
        throw SignedConnection.Fault(description: "it has sent nothing")
      }
      connection = consume accepted
      handle(.request(try ApplyRequest(decoding: first)))
      while !hasEnded, connection != nil {
        switch try connection?.receive(until: machine.deadline ?? .distantFuture) {
        case .message(let message): handle(.request(try ApplyRequest(decoding: message)))
        case .signal where signals.next() != nil: handle(.stop)
        case .deadline, .signal: handle(.timer)
        case nil: break
        }
      }
    } catch { log("a connection was closed: \(error)") }
    connection = nil
    handle(.disconnected)
  }

  private mutating func handle(_ event: ReceiverStateMachine.Event) {
    var effects = machine.handle(event, at: Clock.monotonic())[...]
    while let effect = effects.popFirst() {
      switch effect {
      case .perform(let work):
        effects += machine.handle(.performed(perform(work)), at: Clock.monotonic())
      case .answer(let answer):
        do { try connection?.send(answer.encoded, until: Clock.monotonic() + Self.sendTimeout) } catch {
          log("an answer could not be sent: \(error)")
          connection = nil
        }
      case .forget: change = nil
      case .disconnect: connection = nil
      case .end: hasEnded = true
      }
    }
  }

  private mutating func perform(_ work: ReceiverStateMachine.Work) -> ApplyAnswer {
    switch work {
    case .check(let proposal, let node):
      change = ConfigurationChange(of: configuration, service, unopened: Self.unopened)
      return change?.check(proposal, node: node) ?? .restored
    case .takeOver:
      let answer = change?.takeOver() ?? .restored
      log("a configuration from another node", answer)
      return answer
    case .keep:
      change?.keep()
      log("it is confirmed")
      return .confirmed
    case .putBack:
      let answer = change?.putBack() ?? .restored
      log("it was not confirmed", answer)
      return answer
    }
  }

  /// To the journal.
  private func log(_ line: String, _ answer: ApplyAnswer? = nil) {
    let result =
      switch answer {
      case .tookOver(let number, _): ": configuration \(number) is in use"
      case .restored: ": the former one is in use again"
      case .refused(let reasons): " is refused: " + reasons.joined(separator: "; ")
      case .ready, .checked, .confirmed, nil: ""
      }
    StandardStream.error.write("belvedere: \(line)\(result)\n".escapingControls(except: ["\n"]))
  }
}
