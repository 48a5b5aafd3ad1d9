import Glibc
import Linux
import Wire

/// The running demo: handles commands, signals and the end of the load balancer.
struct Demonstration: ~Copyable {
  /// How long the load balancer may take until its first response. It takes well under a second.
  private static let startLimit = Interval.seconds(20)
  /// The interval between attempts.
  private static let startStep = Interval.milliseconds(100)
  /// How long the load balancer may take to stop: longer than `timeouts.stop` of its configuration.
  private static let stopLimit = Interval.seconds(8)

  private typealias Token = PollerToken<EventSource>

  private enum EventSource: UInt64 {
    case signals, balancer, prompt
  }

  private let signals: SignalReader
  private let poller: Poller
  private let servers: [ExampleServer]
  private var balancer: BalancerProcess
  private var prompt: Prompt
  /// Whether the demo must end.
  private var isOver = false
  /// Whether the load balancer has got a stop signal; a second one would stop it immediately.
  private var isBalancerSignalled = false
  private var balancerEnd: ProcessEnd?

  init(
    prompt: consuming Prompt, signals: consuming SignalReader, poller: consuming Poller, servers: [ExampleServer],
    balancer: consuming BalancerProcess
  ) {
    self.prompt = prompt
    self.signals = signals
    self.poller = poller
    self.servers = servers
    self.balancer = balancer
  }

  /// Runs for `duration`, or until it is stopped, and returns the exit status.
  consuming func run(for duration: Interval?) throws(DemoError) -> Int32 {
    try needed { () throws(SystemError) in
      try poller.watchLevel(signals.descriptor, token: Token(.signals).rawValue)
      try poller.watchLevel(balancer.child.handle, token: Token(.balancer).rawValue)
    }

    waitForService()
    if !hasEnded {
      let banner = Banner(
        configuration: balancer.configuration, executable: CurrentProcess.executablePath ?? "belvedere",
        control: BalancerProcess.control)
      StandardStream.output.write(banner.text)
      let lines = prompt.watch(with: poller, token: Token(.prompt).rawValue)
      execute(lines)
    }
    let end = duration.map { Clock.monotonic() + $0 } ?? .distantFuture
    while !hasEnded, Clock.monotonic() < end { waitForEvents(until: end) }
    return stop()
  }

  private var hasEnded: Bool { isOver || balancerEnd != nil }

  /// Waits until a request through the load balancer is answered.
  private mutating func waitForService() {
    let limit = Clock.monotonic() + Self.startLimit
    while !hasEnded, !balancer.serves() {
      let now = Clock.monotonic()
      guard now < limit else {
        StandardStream.error.write("The balancer has not answered for \(Self.startLimit.milliseconds / 1000) s.\n")
        isOver = true
        return
      }
      waitForEvents(until: now + Self.startStep)
    }
  }

  private mutating func waitForEvents(until deadline: Instant) {
    let rest = deadline == .distantFuture ? -1 : Int32(min((deadline - Clock.monotonic()).milliseconds + 1, 60_000))
    for index in 0..<poller.wait(milliseconds: rest) {
      switch Token(rawValue: poller.event(at: index).token).kind {
      case .signals:
        while let signal = signals.next() {
          isOver = true
          // Ctrl-C is sent to every process in the terminal's foreground group.
          if signal == SIGINT, prompt.isInteractive { isBalancerSignalled = true }
        }
      case .balancer:
        balancerEnd = balancer.child.reap()
      case .prompt:
        let lines = prompt.take(poller)
        // Ctrl-D on a terminal means quit; the end of a script or /dev/null is ignored.
        if prompt.isEnded, prompt.isInteractive { isOver = true }
        execute(lines)
      case nil: break
      }
    }
  }

  private mutating func execute(_ lines: [String]) {
    for line in lines where !isOver {
      switch PromptCommand(line, servers: servers.map(\.state.site.name)) {
      case .kill(let name): change(name) { $0.kill() }
      case .start(let name):
        change(name) { (server) throws(DemoError) in
          server.state.isDraining = false
          try server.start()
        }
      case .drain(let name): change(name) { $0.state.isDraining = true }
      case .status: StandardStream.output.write(status)
      case .help: StandardStream.output.write(PromptCommand.help(servers: servers.map(\.state.site.name)))
      case .quit: isOver = true
      case .nothing: break
      case .unknown(let words): StandardStream.output.write(words + "\n")
      }
    }
    if prompt.isInteractive, !isOver { StandardStream.output.write("demo> ") }
  }

  private func change(_ name: String, _ body: (ExampleServer) throws(DemoError) -> Void) {
    for server in servers where server.state.site.name == name {
      do throws(DemoError) { try body(server) } catch { StandardStream.output.write("\(error)\n") }
    }
    StandardStream.output.write(status)
  }

  /// One line per server.
  private var status: String {
    servers.map { server in
      let state = !server.isRunning ? "dead" : server.state.isDraining ? "draining" : "running"
      return "  \(server.state.site.name)  https://\(server.endpoint)  \(state), "
        + "connections: \(server.connections), requests so far: \(server.state.requests)\n"
    }.joined()
  }

  /// Stops the load balancer gracefully, then the servers.
  private consuming func stop() -> Int32 {
    if balancerEnd == nil {
      if !isBalancerSignalled { balancer.child.signal(SIGTERM) }
      let limit = Clock.monotonic() + Self.stopLimit
      while balancerEnd == nil, Clock.monotonic() < limit { waitForEvents(until: limit) }
      for server in servers { server.kill() }
      return balancerEnd == .exited(status: 0) ? 0 : 1
    }
    for server in servers { server.kill() }
    StandardStream.error.write("The balancer has ended: \(balancerEnd.map { "\($0)" } ?? "").\n")
    return 1
  }
}
