import Domain
import Linux
import WorkerProtocol
import Testing
import Wire

@testable import Worker

private let view = Endpoint(address: IPAddress(v4: 0xc0a8_01a5), port: 443)

/// A supervisor's end of a control channel, driven by the test.
private struct Peer: ~Copyable {
  let socket: MessageSocket

  /// The peer and its channel.
  static func make(_ channel: inout ControlChannel?) throws -> Peer {
    let pair = try MessageSocket.Pair()
    channel = try ControlChannel(owning: pair.theirs.descriptor.duplicate())
    return Peer(socket: pair.takeOurs())
  }

  func send(_ command: WorkerCommand) throws { #expect(try socket.send(command.encoded().span)) }

  func send(_ command: WorkerCommand, with descriptor: borrowing Descriptor) throws {
    #expect(try socket.send(command.encoded().span, with: descriptor))
  }

  /// All start-up commands except `start`.
  func sendBeginning(loops: UInt16 = 2) throws {
    try send(.hello(version: MessageVersion.current))
    try send(.heartbeats(capacity: loops), with: SharedHeartbeats(loops: 2).file)
    try sendConfiguration(number: 7)
  }

  func sendConfiguration(number: UInt64, loops: UInt16 = 2) throws {
    try send(
      .configure(number: number, loops: loops, fileName: "b.yaml", hostName: "lb1"),
      with: MemoryFile.sealed("configuration", contents: Array("service: é".utf8).span))
  }

  func nextEvent() throws -> WorkerEvent? {
    guard case .message(let message) = try socket.receive(limit: MessageLimit.message) else { return nil }
    return try WorkerEvent(decoding: message.bytes.span)
  }
}

private let place = ListenerIdentity(
  purpose: .service, endpoint: Endpoint(address: IPAddress(v4: 0x7f00_0001), port: 0), loop: 1)

private func words(_ event: ControlChannel.Event) -> String {
  switch event {
  case .stop(let bound): "stop within \(bound.milliseconds) ms"
  case .reload(let setup):
    "reload to \(setup.number) with \(setup.listeners.count) more and \(setup.withdrawn.count) less, \(setup.adminStates)"
  case .server(let name, let state, let number): "command \(number): \(name) \(state)"
  case .nodeFacts(let piece): "\(piece.bytes.count) bytes of facts"
  case .nodeVitals(let bytes): "\(bytes.count) bytes of vitals"
  case .stream(let message, let node): "\(node): \(message.content)"
  case .reopenLogs: "reopen the logs"
  case .trace(let order): "trace \(order.subject.title)"
  case .endTrace(let number): "end trace \(number)"
  case .tick: "tick"
  }
}

@Suite struct `The worker's control channel` {
  @Test func `the start-up commands arrive as they were sent`() throws {
    var made: ControlChannel?
    let peer = try Peer.make(&made)
    let channel = try #require(made)
    try peer.sendBeginning()
    let listener = try Socket.listen(on: place.endpoint)
    try peer.send(.listener(place), with: listener)
    try peer.send(.server(name: "view01", AdminState(mode: .drain, since: WallTime(seconds: 1)), number: 1))
    try peer.send(.start)

    let setup = try channel.receiveSetup()
    #expect(setup.number == 7)
    #expect(setup.configuration == ConfigurationText(text: "service: é", fileName: "b.yaml", hostName: "lb1"))
    #expect(setup.heartbeats.count == 2)
    #expect(setup.listeners.map(\.identity) == [place])
    #expect(setup.adminStates == ["view01": AdminState(mode: .drain, since: WallTime(seconds: 1))])
    let taken = setup.listeners[0].takeDescriptor()
    #expect(try Socket.localEndpoint(of: taken.number) == Socket.localEndpoint(of: listener.number))
    #expect(try peer.nextEvent() == .hello(version: MessageVersion.current))
  }

  @Test func `a supervisor of another build is refused with both versions`() throws {
    var made: ControlChannel?
    let peer = try Peer.make(&made)
    let channel = try #require(made)
    try peer.send(.hello(version: 99))
    #expect(throws: ControlError.message(.version(theirs: 99))) { try channel.receiveSetup() }
  }

  @Test func `a supervisor that ends during the start is noticed`() throws {
    var made: ControlChannel?
    do {
      let peer = try Peer.make(&made)
      try peer.send(.hello(version: MessageVersion.current))
    }
    let channel = try #require(made)
    #expect(throws: ControlError.supervisorGone) { try channel.receiveSetup() }
  }

  @Test func `missing, duplicate and premature commands are refused by name`() throws {
    func refusal(_ send: (borrowing Peer) throws -> Void) throws -> ControlError? {
      var made: ControlChannel?
      let peer = try Peer.make(&made)
      try send(peer)
      let channel = try #require(made)
      do { _ = try channel.receiveSetup() } catch { return error }
      return nil
    }
    #expect(try refusal { try $0.send(.start) } == .message(.unexpected("start")))
    #expect(
      try refusal {
        try $0.sendBeginning()
        try $0.send(.start)
      } == .message(.unexpected("start")))
    #expect(
      try refusal {
        try $0.sendBeginning()
        try $0.send(.heartbeats(capacity: 2), with: SharedHeartbeats(loops: 2).file)
      } == .message(.unexpected("heartbeats")))
    #expect(
      try refusal {
        try $0.sendBeginning()
        try $0.send(.stop(within: .zero))
      } == .message(.unexpected("stop")))
    #expect(
      try refusal {
        try $0.send(.hello(version: MessageVersion.current))
        try $0.send(.listener(place), with: Socket.listen(on: place.endpoint))
      } == .message(.unexpected("listener")))
    #expect(
      try refusal {
        try $0.sendBeginning(loops: 1)
        try $0.send(.listener(place), with: Socket.listen(on: place.endpoint))
      } == .message(.invalidField("number of loops")))
    #expect(
      try refusal {
        try $0.sendBeginning()
        try $0.send(.withdraw(place))
      } == .message(.unexpected("withdraw")))
    #expect(
      try refusal {
        try $0.send(.hello(version: MessageVersion.current))
        try $0.send(.listener(place))
      } == .message(.descriptor(missing: true)))
    #expect(
      try refusal {
        try $0.send(.hello(version: MessageVersion.current), with: Socket.listen(on: place.endpoint))
      } == .message(.descriptor(missing: false)))
    #expect(try refusal { _ = try $0.socket.send([250].span) } == .message(.unknownKind(250)))
  }

  @Test func `a later command reaches the callback, and finish ends the loop`() throws {
    var made: ControlChannel?
    let peer = try Peer.make(&made)
    let channel = try #require(made)
    try peer.send(.stop(within: .seconds(3)))
    var events: [String] = []
    try channel.run(heartbeats: []) { event in
      events.append(words(event))
      channel.finish()
    }
    #expect(events == ["stop within 3000 ms"])
  }

  @Test func `a configuration and changed listeners reach the callback together`() throws {
    var made: ControlChannel?
    let peer = try Peer.make(&made)
    let channel = try #require(made)
    let beats = try SharedHeartbeats.attach(SharedHeartbeats(loops: 2).file, loops: 2)
    try peer.sendConfiguration(number: 8)
    try peer.send(.listener(place), with: Socket.listen(on: place.endpoint))
    try peer.send(.withdraw(place))
    try peer.send(.start)
    var events: [String] = []
    try channel.run(heartbeats: beats) { event in
      events.append(words(event))
      channel.finish()
    }
    #expect(events == ["reload to 8 with 1 more and 1 less, [:]"])
  }

  @Test func `administrative states arrive with a reload, and as commands after it`() throws {
    var made: ControlChannel?
    let peer = try Peer.make(&made)
    let channel = try #require(made)
    let beats = try SharedHeartbeats.attach(SharedHeartbeats(loops: 2).file, loops: 2)
    let state = AdminState(mode: .maintenance, weight: 3, since: WallTime(seconds: 1))
    try peer.sendConfiguration(number: 8)
    try peer.send(.server(name: "view01", state, number: 4))
    try peer.send(.start)
    try peer.send(.server(name: "view02", state, number: 5))
    var events: [String] = []
    try channel.run(heartbeats: beats) { event in
      events.append(words(event))
      if events.count == 2 { channel.finish() }
    }
    #expect(
      events == [
        "reload to 8 with 0 more and 0 less, [\"view01\": maintenance, weight 3]",
        "command 5: view02 maintenance, weight 3",
      ])
  }

  @Test func `a command out of order ends the loop with an error`() throws {
    var made: ControlChannel?
    let peer = try Peer.make(&made)
    let channel = try #require(made)
    try peer.send(.start)
    #expect(throws: ControlError.message(.unexpected("start"))) { try channel.run(heartbeats: []) { _ in } }
  }

  @Test func `the end of the supervisor ends the loop`() throws {
    var made: ControlChannel?
    _ = try Peer.make(&made)
    let channel = try #require(made)
    #expect(throws: ControlError.supervisorGone) { try channel.run(heartbeats: []) { _ in } }
  }

  @Test func `the main thread gets a tick`() throws {
    var made: ControlChannel?
    let peer = try Peer.make(&made)
    let channel = try #require(made)
    var events: [String] = []
    try channel.run(heartbeats: []) { event in
      events.append(words(event))
      channel.finish()
    }
    #expect(events == ["tick"])
    #expect(try peer.nextEvent() == nil)
  }

  @Test func `events beyond the socket's capacity wait in order, and the newest of a kind replaces the others`() throws
  {
    var made: ControlChannel?
    let peer = try Peer.make(&made)
    let channel = try #require(made)
    // More than the socket holds, while the supervisor does not read.
    for number in 0..<5000 { channel.send(.ready(number: UInt64(number))) }
    channel.send(
      .serverChanged(ServerChange(identity: ServerIdentity(name: "view01", endpoint: view), state: .down, reason: "")))
    channel.send(
      .serverChanged(ServerChange(identity: ServerIdentity(name: "view02", endpoint: view), state: .down, reason: "")))
    channel.send(
      .serverChanged(ServerChange(identity: ServerIdentity(name: "view01", endpoint: view), state: .up, reason: "")))
    for number in 0..<3 { channel.send(.load(Load(connections: UInt32(number), exchanges: 0, requests: 0))) }
    channel.send(.stopped)

    var events: [WorkerEvent] = []
    let runner = try Thread(name: "control") { try? channel.run(heartbeats: []) { _ in } }
    while events.last != .stopped {
      guard case .message(let message) = try peer.socket.receive(limit: MessageLimit.message, waiting: true) else {
        break
      }
      events.append(try WorkerEvent(decoding: message.bytes.span))
    }
    channel.finish()
    runner.join()
    #expect(events.prefix(5000).elementsEqual((0..<5000).map { .ready(number: $0) }))
    #expect(
      events.dropFirst(5000).elementsEqual([
        .serverChanged(
          ServerChange(identity: ServerIdentity(name: "view02", endpoint: view), state: .down, reason: "")),
        .serverChanged(ServerChange(identity: ServerIdentity(name: "view01", endpoint: view), state: .up, reason: "")),
        .load(Load(connections: 2, exchanges: 0, requests: 0)), .stopped,
      ]))
  }
}
