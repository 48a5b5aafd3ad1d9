import Balancing
import Domain
import Exchange
import Linux
import Logging
import WorkerProtocol
import Synchronization
import TLS
import Testing
import Wire

@testable import Configuration
@testable import Worker

/// A loop with its listener, and servers to connect to, all in the test's thread, with a clock that the test advances.
struct TestLoop: ~Copyable {
  /// More turns than any test needs.
  private static let timeout = 2_000

  var loop: Loop
  let sharedState: SharedState
  let endpoint: Endpoint
  private let servers: [Descriptor.Owner]
  private var source: Source
  private let security: Security?
  private(set) var now: Instant
  /// The number of configurations so far.
  private var number: UInt64 = 1
  private let heartbeats: SharedHeartbeats

  private struct Security {
    let client: ClientContext
    let server: ServerContext
  }

  /// `settings` are lines of the configuration after the servers; `serverSettings` are added to each server, its number
  /// for every `#`.
  static func make(
    servers count: Int = 1, settings: String = "", serverSettings: String = "", isPassthrough: Bool = false,
    log: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  ) throws -> TestLoop {
    let listeners = try (0..<count).map { _ in Descriptor.Owner(try Socket.listen(on: TestLoop.anyPort)) }
    let source = Source(settings: settings, serverSettings: serverSettings, isPassthrough: isPassthrough)
    let configuration = try source.configuration(listeners, Array(listeners.indices))
    let sharedState = try SharedState(configuration)
    sharedState.mailboxes = [try Mailbox()]
    let snapshot = try ConfigurationSnapshot(
      number: 1, configuration, tickets: try TicketKeys(at: Clock.wall()), sharedState: sharedState)
    sharedState.adopt(snapshot, adminStates: [:])
    let security =
      isPassthrough
      ? nil
      : Security(
        client: try ClientContext(trust: .insecureNoVerification),
        server: try ServerContext(
          certificates: [SelfSigned.make(for: ["view.test"])], profile: .intermediate, tickets: nil))

    for index in 0..<count { snapshot.services[0].backend.set(.up, at: index) }
    let heartbeats = try SharedHeartbeats(loops: 1)
    let beats = try SharedHeartbeats.attach(heartbeats.file, loops: 1)
    var unlogged = Configuration.Log()
    unlogged.access = nil
    let context = try LoopContext(
      loop: 0, sharedState: sharedState, snapshot: snapshot, log: log,
      accessLog: AccessLog(nil, writer: try AccessLogWriter(unlogged), hash: sharedState.logHash),
      traces: TraceOutlet())
    var loop = try Loop(
      context: context, prober: nil, mailbox: sharedState.mailbox(of: 0), heartbeat: beats[0],
      metrics: LoopFigures.Metrics())
    let listener = try Socket.listen(on: TestLoop.anyPort)
    let endpoint = try Socket.localEndpoint(of: listener.number)
    loop.add(
      HandedListener(identity: ListenerIdentity(purpose: .service, endpoint: endpoint, loop: 0), descriptor: listener))
    loop.resumeAccepting(now: true)
    return TestLoop(
      loop: loop, sharedState: sharedState, endpoint: endpoint, servers: listeners, source: source, security: security,
      heartbeats: heartbeats)
  }

  private init(
    loop: consuming Loop, sharedState: SharedState, endpoint: Endpoint, servers: [Descriptor.Owner], source: Source,
    security: Security?, heartbeats: consuming SharedHeartbeats
  ) {
    self.loop = loop
    self.sharedState = sharedState
    self.endpoint = endpoint
    self.servers = servers
    self.source = source
    self.security = security
    self.heartbeats = heartbeats
    now = self.loop.context.now
  }

  private static let anyPort = Endpoint(address: IPAddress(v4: 0x7f00_0001), port: 0)

  /// Reloads to a snapshot with these servers, in this order.
  mutating func reload(servers kept: [Int]) throws {
    number += 1
    let snapshot = try snapshot(of: kept)
    sharedState.adopt(snapshot, adminStates: [:])
    loop.context.adopt(snapshot)
    loop.assignListeners()
    for index in kept.indices { snapshot.services[0].backend.set(.up, at: index) }
  }

  /// The same with other settings, of all and of each server.
  mutating func reload(servers kept: [Int], settings: String, serverSettings: String) throws {
    source = Source(settings: settings, serverSettings: serverSettings, isPassthrough: source.isPassthrough)
    try reload(servers: kept)
  }

  /// A snapshot with these servers, in this order, that is not in use yet.
  func snapshot(of kept: [Int]) throws -> ConfigurationSnapshot {
    try ConfigurationSnapshot(
      number: number, source.configuration(servers, kept), tickets: TicketKeys(at: Clock.wall()),
      sharedState: sharedState)
  }

  // MARK: Actors

  /// Adds a listener, which the loop treats as one on this port; returns its endpoint.
  mutating func listen(as port: UInt16, for purpose: ListenerPurpose = .service) throws -> Endpoint {
    let listener = try Socket.listen(on: TestLoop.anyPort)
    let endpoint = try Socket.localEndpoint(of: listener.number)
    let place = ListenerIdentity(
      purpose: purpose, endpoint: Endpoint(address: endpoint.address, port: port), loop: 0)
    loop.add(HandedListener(identity: place, descriptor: listener))
    return endpoint
  }

  /// A connected client, of the first listener or another.
  mutating func connect(to other: Endpoint? = nil) throws -> TestServer {
    var peer = try TestServer(connectingTo: other ?? endpoint, security?.client)
    try until("a client connects") { _ in
      peer.pump()
      return peer.isConnected
    }
    return peer
  }

  /// A client that is about to connect.
  func makeClient() throws -> TestServer { try TestServer(connectingTo: endpoint, security?.client) }

  /// The next connection that the loop makes to a server.
  mutating func accept(at server: Int = 0) throws -> TestServer {
    var found: TestServer?
    let listener = servers[server]
    let security = security
    try until("a connection comes to server \(server)") { _ in
      if found == nil, let accepted = try Socket.accept(from: listener.descriptor) {
        found = try TestServer(accepted: accepted.takeDescriptor(), security?.server)
      }
      found?.pump()
      return found?.isConnected == true
    }
    guard let peer = found.take() else { throw TurnLimitReached() }
    return peer
  }

  /// Whether no connection is pending at the server.
  func isDeserted(_ server: Int = 0) throws -> Bool { try Socket.accept(from: servers[server].descriptor) == nil }

  /// The server chosen for the exchange in progress.
  func chosenServer() throws -> Int {
    let keys = loop.clients.keys.filter { !loop.clients[$0].requests.isEmpty }
    return try #require(keys.compactMap { loop.clients[$0].requests.current.value.server }.first)
  }

  // MARK: Time

  struct TurnLimitReached: Error {}

  /// Turns the loop until the condition holds; records an issue if it never does.
  mutating func until(
    _ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ isSo: (borrowing TestLoop) throws -> Bool
  ) throws {
    for turn in 0..<TestLoop.timeout {
      self.turn(waiting: turn < 10 ? 0 : 5)
      if try isSo(self) { return }
    }
    Issue.record("this never came: \(words)", sourceLocation: sourceLocation)
    throw TurnLimitReached()
  }

  /// Turns the loop until a peer has received a complete head, and returns it.
  mutating func receive(
    _ peer: inout TestServer, until suffix: String = "\r\n\r\n", sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    try until("\(suffix.debugDescription) behind \(peer.received.debugDescription)", sourceLocation: sourceLocation) {
      _ in
      peer.pump()
      return peer.received.hasSuffix(suffix)
    }
    return peer.take()
  }

  /// Turns the loop until a peer has received the end of the other side.
  mutating func receiveEnd(
    _ peer: inout TestServer, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> StreamEnd? {
    try until("the end of the stream", sourceLocation: sourceLocation) { _ in
      peer.pump()
      return peer.end != nil
    }
    return peer.end
  }

  /// Turns the loop once.
  mutating func turn(waiting milliseconds: Int32 = 0) {
    let now = now
    loop.turn(waiting: milliseconds) { now }
  }

  /// Advances the clock, and turns the loop once, during which each reading of the clock advances it by `step`.
  mutating func pass(_ interval: Interval, ticking step: Interval) {
    now = now + interval
    var next = now
    loop.turn(waiting: 0) {
      defer { next = next + step }
      return next
    }
    now = next
  }

  /// Advances the clock, and turns the loop until the due timers have fired, which they do at whole ticks.
  mutating func pass(_ interval: Interval) {
    now = now + interval + Interval(nanoseconds: TimerWheel.tickNanoseconds)
    turn()
  }
}

/// Parts of configurations.
private struct Source {
  let settings: String
  let serverSettings: String
  let isPassthrough: Bool

  func configuration(_ listeners: [Descriptor.Owner], _ indices: [Int]) throws -> Configuration {
    var text = "service: view.test\nredirect: false\n"
    text += isPassthrough ? "mode: passthrough\n" : "tls: { certificate: \(try Certificate.path()) }\n"
    text += "servers:\n"
    for index in indices {
      let port = try Socket.localEndpoint(of: listeners[index].descriptor.number).port
      let own = serverSettings.replacing("#", with: "\(index + 1)")
      let trust = isPassthrough ? "" : ", trust: insecure-no-verification"
      text += "  view0\(index + 1): { address: 127.0.0.1, port: \(port)\(trust)\(own) }\n"
    }
    let loaded = Configuration.load(text: text + settings + "\n", fileName: "test.yaml", hostName: "lb1")
    return try #require(loaded.configuration, "\(loaded.diagnostics)")
  }
}

extension Descriptor {
  /// A descriptor in a class, because an array can't hold a ~Copyable type.
  final class Owner {
    let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
  }
}

/// The loop's own certificate, made once.
private enum Certificate {
  private static let made = Mutex<String?>(nil)

  static func path() throws -> String {
    try made.withLock { made in
      if let made { return made }
      let pair = try SelfSigned.make(for: ["view.test"])
      let file = try MemoryFile.sealed(
        "certificate", contents: (try pair.certificatePEM() + pair.privateKeyPEM()).span)
      let path = "/proc/self/fd/\(file.relinquish())"
      made = path
      return path
    }
  }
}
