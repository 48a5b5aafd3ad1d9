import Domain
import Foundation
import Simulation
import Testing
import Wire

@testable import WorkerProtocol

private let v4 = Endpoint(address: IPAddress(v4: 0xc0a8_01aa), port: 443)
private let viewEndpoint = Endpoint(address: IPAddress(v4: 0xc0a8_01a5), port: 443)
private let viewEndpointBytes: [UInt8] = [4, 0xc0, 0xa8, 0x01, 0xa5, 0x01, 0xbb]
private let v6 = Endpoint(address: IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1), port: 80)

/// A drained server's state without its node, and a node.
private let drainBytes: [UInt8] = [1, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 1, 2]
private let lb1Bytes: [UInt8] = [3] + "lb1".utf8

private let commands: [(WorkerCommand, [UInt8])] = [
  (.hello(version: 1), [1, 0, 1]),
  (
    .configure(number: 2, loops: 4, fileName: "b.yaml", hostName: "lb1"),
    [2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 4, 0, 6] + "b.yaml".utf8 + [0, 3] + "lb1".utf8
  ),
  (.heartbeats(capacity: 4), [3, 0, 4]),
  (
    .listener(ListenerIdentity(purpose: .service, endpoint: v4, loop: 0)),
    [4, 1, 4, 0xc0, 0xa8, 0x01, 0xaa, 0x01, 0xbb, 0, 0]
  ),
  (
    .listener(ListenerIdentity(purpose: .redirect, endpoint: v6, loop: 3)),
    [4, 2, 6, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80, 0, 3]
  ),
  (
    .listener(ListenerIdentity(purpose: .pair, endpoint: v4, loop: 0)),
    [4, 5, 4, 0xc0, 0xa8, 0x01, 0xaa, 0x01, 0xbb, 0, 0]
  ),
  (.start, [5]),
  (
    .withdraw(ListenerIdentity(purpose: .service, endpoint: v4, loop: 1)),
    [7, 1, 4, 0xc0, 0xa8, 0x01, 0xaa, 0x01, 0xbb, 0, 1]
  ),
  (.stop(within: .milliseconds(1)), [6, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40]),
  (
    .server(name: "view01", AdminState(mode: .drain, since: WallTime(milliseconds: 258)), number: 5),
    [8, 0, 6] + "view01".utf8 + drainBytes + [0, 0, 0, 0, 0, 0, 0, 0, 5]
  ),
  (.stream(StreamMessage(.open, from: .opener, of: 258), node: "lb1"), [11, 0] + lb1Bytes + streamBytes + [1, 1]),
  (
    .stream(StreamMessage(.data([7, 8]), from: .acceptor, of: 258), node: "lb1"),
    [11, 0] + lb1Bytes + streamBytes + [2, 2, 0, 2, 7, 8]
  ),
  (
    .server(name: "v", AdminState(weight: 256, since: WallTime(milliseconds: 0), node: "lb1"), number: 6),
    [8, 0, 1] + "v".utf8 + [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0] + lb1Bytes + [0, 0, 0, 0, 0, 0, 0, 6]
  ),
  (.nodeFacts(BytePiece(isFirst: true, isLast: false, bytes: [7, 8])), [9, 1, 0, 2, 7, 8]),
  (.nodeVitals([9]), [10, 0, 1, 9]),
  (.reopenLogs, [12]),
  (
    .trace(
      TraceOrder(
        number: 3, subject: .name("view.test"), hasSecrets: true, duration: .milliseconds(1))),
    [13, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0, 4] + "name".utf8 + [0, 9] + "view.test".utf8
  ),
  (.endTrace(number: 258), [14, 0, 0, 1, 2]),
]

private func traceBytes(_ kind: String, _ text: String) -> [UInt8] {
  [13, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, UInt8(kind.utf8.count)] + kind.utf8
    + [0, UInt8(text.utf8.count)] + text.utf8
}

/// An event of a trace without facts.
private let tracedBytes: [UInt8] = [149, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0]

private let streamBytes: [UInt8] = [0, 0, 0, 0, 0, 0, 1, 2]

private let loadBytes: [UInt8] = [
  133, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0,
  0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 9, 0,
  0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 11,
]

private let certificateBytes: [UInt8] = [
  137, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0x66, 0, 4, 0x43, 0x4e, 0x3d, 0x73, 0, 2, 0x30, 0x41,
  0, 2, 0x61, 0x62, 2, 0, 1, 0x61, 0, 2, 0x62, 0x63,
]

private func certificate(
  file: String, subject: String, serial: String, fingerprint: String, notAfter: WallTime, names: [String]
) -> ServedCertificate {
  var certificate = ServedCertificate(notAfter: notAfter)
  certificate.file = file
  certificate.subject = subject
  certificate.serial = serial
  certificate.fingerprint = fingerprint
  certificate.names = names
  return certificate
}

private func authority(
  _ kind: ClientAuthority.Kind, isRequired: Bool, service: String, file: String, subject: String, end: WallTime?
) -> ClientAuthority {
  var authority = ClientAuthority(kind)
  (authority.isRequired, authority.service, authority.end) = (isRequired, service, end)
  (authority.file, authority.subject) = (file, subject)
  return authority
}

private func authorityBytes(flags: UInt8, end: UInt8) -> [UInt8] {
  [0, 0, 0, 0, 0, 0, 0, 7, 0, 1, flags, 0, 0, 0, 0, 0, 0, 0, end]
}

private let serverCheckBytes: [UInt8] = [4, 3, 2, 1].flatMap { [0, 0, 0, 0, 0, 0, 0, $0] as [UInt8] }
private let serverLoadBytes: [UInt8] = [4, 3, 2, 6, 1, 5, 100].flatMap { [0, 0, 0, $0] as [UInt8] }

private let events: [(WorkerEvent, [UInt8])] = [
  (.hello(version: 1), [129, 0, 1]),
  (.ready(number: 7), [130, 0, 0, 0, 0, 0, 0, 0, 7]),
  (.refused(number: 9, reason: "no"), [131, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2] + "no".utf8),
  (
    .serverChanged(
      ServerChange(identity: ServerIdentity(name: "view01", endpoint: viewEndpoint), state: .down, reason: "✂")),
    [132, 0, 6] + "view01".utf8 + viewEndpointBytes + [0, 0, 3, 0xe2, 0x9c, 0x82]
  ),
  (
    .load(
      Load(
        connections: 1, exchanges: 2, snapshots: 9, requests: 3, accepted: 4,
        refused: .init(connections: 5, handshakes: 6, requests: 7, unroutable: 8), flows: 9,
        datagrams: .init(relayed: 10, dropped: 11))),
    loadBytes
  ),
  (.stopped, [134]),
  (.applied(number: 5), [135, 0, 0, 0, 0, 0, 0, 0, 5]),
  (
    .serverLoad(
      ServerLoad(clients: 4, sessions: 3, exchanges: 2, flows: 6, waiting: 1, connections: 5),
      of: ServerIdentity(name: "view01", endpoint: viewEndpoint)),
    [136, 0, 6] + "view01".utf8 + viewEndpointBytes + serverLoadBytes
  ),
  (
    .serverCheck(
      ServerCheck(time: WallTime(milliseconds: 4), result: "ü", milliseconds: 3, count: 2, needed: 1),
      of: ServerIdentity(name: "view01", endpoint: viewEndpoint)),
    [139, 0, 6] + "view01".utf8 + viewEndpointBytes + serverCheckBytes + [0, 2, 0xc3, 0xbc, 0]
  ),
  (
    .serverCheck(
      ServerCheck(
        time: WallTime(milliseconds: 4), result: "ü", milliseconds: 3, count: 2, needed: 1,
        certificate: .init(fingerprint: "ab", notAfter: WallTime(milliseconds: 5), isShown: false)),
      of: ServerIdentity(name: "view01", endpoint: viewEndpoint)),
    [139, 0, 6] + "view01".utf8 + viewEndpointBytes + serverCheckBytes
      + [0, 2, 0xc3, 0xbc, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 2, 97, 98]
  ),
  (
    .certificate(
      certificate(
        file: "f", subject: "CN=s", serial: "0A", fingerprint: "ab", notAfter: WallTime(milliseconds: 3),
        names: ["a", "bc"]), index: 1, number: 7),
    certificateBytes
  ),
  (
    .clientAuthority(
      authority(.authority, isRequired: true, service: "a", file: "f", subject: "CN=s", end: .init(milliseconds: 3)),
      index: 1, number: 7),
    [150] + authorityBytes(flags: 6, end: 3) + [0, 1, 0x61, 0, 1, 0x66, 0, 4] + "CN=s".utf8
  ),
  (
    .clientAuthority(
      authority(.revocationList, isRequired: false, service: "", file: "f", subject: "", end: nil), index: 1, number: 7),
    [150] + authorityBytes(flags: 1, end: 0) + [0, 0, 0, 1, 0x66, 0, 0]
  ),
  (
    .problem(Problem(time: WallTime(milliseconds: 1), count: 2, text: "it is")),
    [138, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5] + "it is".utf8
  ),
  (.tablesReceived, [140]),
  (
    .adminState(AdminState(mode: .drain, since: WallTime(milliseconds: 258), node: "lb1"), server: "view01"),
    [141, 0, 6] + "view01".utf8 + drainBytes + lb1Bytes
  ),
  (.nodeFacts(BytePiece(isFirst: false, isLast: true, bytes: []), node: "lb1"), [142, 0] + lb1Bytes + [2, 0, 0]),
  (.nodeVitals([9], node: "lb1"), [143, 0] + lb1Bytes + [0, 1, 9]),
  (
    .stream(StreamMessage(.credit(4), from: .acceptor, of: 258), node: "lb1"),
    [144, 0] + lb1Bytes + streamBytes + [2, 3, 4]
  ),
  (
    .stream(StreamMessage(.close(reason: "ü"), from: .opener, of: 258), node: "lb1"),
    [144, 0] + lb1Bytes + streamBytes + [1, 4, 0, 2, 0xc3, 0xbc]
  ),
  (
    .serverCounts(
      ServerCounts(values: [127, 128, 300, .max]), of: ServerIdentity(name: "view01", endpoint: viewEndpoint)),
    [145, 0, 6] + "view01".utf8 + viewEndpointBytes + [127, 0x80, 1, 0xac, 2] + [UInt8](repeating: 0xff, count: 9) + [1]
      + [UInt8](repeating: 0, count: ServerCounts.count - 4)
  ),
  (
    .serviceFigures(ServiceFigures(connections: 3, clients: 2, counts: ServiceCounts(values: [9])), service: "view"),
    [146, 0, 4] + "view".utf8 + [3, 2, 9] + [UInt8](repeating: 0, count: ServiceCounts.count - 1)
  ),
  (.workerCounts(WorkerCounts(values: [7, 8])), [147, 7, 8] + [UInt8](repeating: 0, count: WorkerCounts.count - 2)),
  (.loopCounts(LoopCounts(values: [7, 8]), loop: 258), [148, 1, 2, 7, 8]),
  (
    .traced(
      TraceEvent(
        .placed, at: WallTime(milliseconds: 258),
        [
          TraceEvent.Fact(.server, .text("ü")), TraceEvent.Fact(.number, .number(7)),
          TraceEvent.Fact(.isResumed, .flag(true)),
        ]), number: 3),
    [149, 0, 0, 0, 3, 5, 0, 0, 0, 0, 0, 0, 1, 2, 3, 5, 1, 0, 2, 0xc3, 0xbc, 7, 2, 0, 0, 0, 0, 0, 0, 0, 7, 25, 3, 1]
  ),
]

private func command(_ bytes: [UInt8]) throws(MessageError) -> WorkerCommand { try WorkerCommand(decoding: bytes.span) }
private func event(_ bytes: [UInt8]) throws(MessageError) -> WorkerEvent { try WorkerEvent(decoding: bytes.span) }

@Suite struct `Messages between the processes` {
  @Test(arguments: commands)
  func `a command has one encoding, and is decoded from it`(message: WorkerCommand, bytes: [UInt8]) throws {
    #expect(message.encoded() == bytes)
    #expect(try command(bytes) == message)
  }

  @Test(arguments: events)
  func `an event has one encoding, and is decoded from it`(message: WorkerEvent, bytes: [UInt8]) throws {
    #expect(message.encoded() == bytes)
    #expect(try event(bytes) == message)
  }

  @Test(arguments: commands.map(\.1))
  func `a truncated or too long command is refused`(bytes: [UInt8]) {
    for count in 0..<bytes.count { #expect(throws: MessageError.truncated) { try command(Array(bytes[..<count])) } }
    #expect(throws: MessageError.trailingBytes) { try command(bytes + [0]) }
  }

  @Test(arguments: events.map(\.1))
  func `a truncated or too long event is refused`(bytes: [UInt8]) {
    for count in 0..<bytes.count { #expect(throws: MessageError.truncated) { try event(Array(bytes[..<count])) } }
    #expect(throws: MessageError.trailingBytes) { try event(bytes + [0]) }
  }

  /// Seeds that do not decode would not help the fuzzer.
  @Test func `the seeds of the fuzzer are valid messages`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fuzz/Corpus/worker-message")
    let seeds = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    for seed in seeds {
      let bytes = [UInt8](try Data(contentsOf: seed))
      let name = seed.lastPathComponent
      if name.hasPrefix("command-") { #expect(throws: Never.self, "\(name)") { try command(bytes) } }
      if name.hasPrefix("event-") { #expect(throws: Never.self, "\(name)") { try event(bytes) } }
    }
    #expect(seeds.count >= commands.count + events.count - 4)
  }

  @Test func `a kind is valid in one direction at most`() {
    for kind in UInt8.min...UInt8.max {
      let bytes = [kind] + [UInt8](repeating: 0, count: 15)
      let asCommand = #expect(throws: MessageError.self) { try command(bytes) }
      let asEvent = #expect(throws: MessageError.self) { try event(bytes) }
      #expect((asCommand != .unknownKind(kind)) == (1...14 ~= kind))
      #expect((asEvent != .unknownKind(kind)) == (129...150 ~= kind))
    }
  }

  @Test(
    arguments: [
      ("purpose", [4, 0, 4, 1, 2, 3, 4, 0, 80, 0, 0]),
      ("purpose", [4, 6, 4, 1, 2, 3, 4, 0, 80, 0, 0]),
      ("address family", [4, 1, 5, 1, 2, 3, 4, 0, 80, 0, 0]),
      ("address", [4, 1, 6] + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4] + [0, 80, 0, 0]),
      ("file name", [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0xff, 0, 0]),
      ("file name", [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x10, 0x01]),
      ("mode", [8, 0, 1, 0x61, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("node", [8, 0, 1, 0x61, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20]),
      ("weight", [8, 0, 1, 0x61, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("weight", [8, 0, 1, 0x61, 0, 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("time", [8, 0, 1, 0x61, 0, 1, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("flags", [9, 4, 0, 0]), ("piece", [9, 3, 0x20, 0x01]), ("vitals", [10, 0x30, 0x01]),
      ("sender", [11, 0] + lb1Bytes + streamBytes + [3, 1]), ("sender", [11, 0] + lb1Bytes + streamBytes + [2, 1]),
      ("stream message", [11, 0] + lb1Bytes + streamBytes + [1, 9]),
      ("data", [11, 0] + lb1Bytes + streamBytes + [1, 2, 0, 0]),
      ("data", [11, 0] + lb1Bytes + streamBytes + [1, 2, 0x3e, 0x81]),
      ("credit", [11, 0] + lb1Bytes + streamBytes + [1, 3, 0]),
      ("credit", [11, 0] + lb1Bytes + streamBytes + [1, 3, 5]),
      ("reason", [11, 0] + lb1Bytes + streamBytes + [1, 4, 0, 1, 0x1b]),
      ("reason", [11, 0] + lb1Bytes + streamBytes + [1, 4, 4, 1]),
      ("flags", [13, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0]),
      ("subject", traceBytes("name", "VIEW.test")), ("subject", traceBytes("cookie", "")),
      ("subject", traceBytes("address", "192.0.2.1")), ("subject", traceBytes("host", "view.test")),
    ] as [(String, [UInt8])])
  func `a command's field out of range is refused by its name`(field: String, bytes: [UInt8]) {
    #expect(throws: MessageError.invalidField(field)) { try command(bytes) }
  }

  @Test(
    arguments: [
      ("server state", [132, 0, 1, 0x61] + viewEndpointBytes + [4, 0, 0]),
      ("server state", [132, 0, 1, 0x61] + viewEndpointBytes + [255, 0, 0]),
      ("address family", [132, 0, 1, 0x61, 5, 1, 2, 3, 4, 0, 80, 1, 0, 0]),
      ("number of names", [137] + [UInt8](repeating: 0, count: 26) + [33]),
      ("server name", [132, 0, 1, 0x80, 1, 0, 0]), ("reason", [131, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
      ("node", [142, 0, 65]), ("node", [143, 0, 65]),
      // A number in more bytes than it needs, and one of 65 bits.
      ("counter", [148, 0, 0, 0x80, 0]), ("counter", [148, 0, 0, 0x81, 0x80, 0]),
      ("counter", [148, 0, 0] + [UInt8](repeating: 0xff, count: 9) + [2]),
      ("counter", [148, 0, 0] + [UInt8](repeating: 0x80, count: 10) + [1]),
      ("event", [149, 0, 0, 0, 3, 0]), ("time", [149, 0, 0, 0, 3, 1] + [UInt8](repeating: 0xff, count: 8)),
      ("number of facts", tracedBytes + [25]), ("fact", tracedBytes + [1, 0]), ("type", tracedBytes + [1, 5, 4]),
      ("fact", tracedBytes + [2, 24, 3, 1, 24]), ("flag", tracedBytes + [1, 24, 3, 2]),
      ("text", tracedBytes + [1, 5, 1, 1, 0x81]), ("text", tracedBytes + [1, 5, 1, 0, 1, 0x80]),
    ] as [(String, [UInt8])])
  func `an event's field out of range is refused by its name`(field: String, bytes: [UInt8]) {
    #expect(throws: MessageError.invalidField(field)) { try event(bytes) }
  }

  @Test(arguments: 0..<4)
  func `a reason that is too long is truncated at a character boundary`(shift: Int) throws {
    let reason = String(repeating: "a", count: shift) + String(repeating: "✂", count: 10_000)
    let bytes = WorkerEvent.refused(number: 1, reason: reason).encoded()
    #expect(bytes.count <= MessageLimit.message)
    guard case .refused(_, let kept) = try event(bytes) else { throw MessageError.truncated }
    #expect(reason.hasPrefix(kept))
    #expect(MessageLimit.reason - 2...MessageLimit.reason ~= kept.utf8.count)
  }

  @Test func `the longest message fits a receiver's buffer`() throws {
    let name = String(repeating: "n", count: 2 * MessageLimit.name)
    let reason = String(repeating: "r", count: 2 * MessageLimit.reason)
    for bytes in [
      WorkerCommand.configure(number: .max, loops: .max, fileName: name, hostName: name).encoded(),
      WorkerEvent.serverChanged(
        ServerChange(identity: ServerIdentity(name: name, endpoint: viewEndpoint), state: .up, reason: reason)
      ).encoded(),
      WorkerEvent.certificate(
        certificate(
          file: name, subject: name, serial: name, fingerprint: name, notAfter: .last,
          names: [String](repeating: name, count: 100)), index: .max, number: .max
      ).encoded(),
      WorkerEvent.serverCheck(
        ServerCheck(
          time: .last, result: reason, milliseconds: .max, count: .max, needed: .max,
          certificate: .init(fingerprint: name, notAfter: .last, isShown: true)),
        of: ServerIdentity(name: name, endpoint: viewEndpoint)
      ).encoded(),
      WorkerEvent.nodeFacts(
        BytePiece(isFirst: true, isLast: true, bytes: Array(repeating: 1, count: BytePiece.limit)), node: name
      ).encoded(),
      WorkerEvent.nodeVitals(Array(repeating: 1, count: MessageLimit.vitals), node: name).encoded(),
      WorkerEvent.problem(Problem(time: .last, count: .max, text: reason)).encoded(),
      WorkerEvent.serverCounts(
        ServerCounts(values: [UInt64](repeating: .max, count: ServerCounts.count)),
        of: ServerIdentity(name: name, endpoint: viewEndpoint)
      ).encoded(),
      WorkerCommand.stream(
        StreamMessage(
          .data([UInt8](repeating: 1, count: StreamMessage.chunkLimit)), from: .opener, of: .max), node: name
      ).encoded(),
      WorkerEvent.traced(
        TraceEvent(.request, at: .last, TraceEvent.Key.allCases.map { TraceEvent.Fact($0, .text(reason)) }),
        number: .max
      ).encoded(),
    ] {
      #expect(bytes.count < MessageLimit.message)
    }
  }

  @Test func `why a certificate is refused is whole in a trace, with the longest subject and issuer`() throws {
    let reason = String(repeating: "x", count: 2 * 1024 + 500)
    let sent = WorkerEvent.traced(
      TraceEvent(.closed, at: WallTime(milliseconds: 1), [TraceEvent.Fact(.reason, .text(reason))]), number: 1)
    #expect(try event(sent.encoded()) == sent)
  }

  @Test func `arbitrary bytes are refused, or are the encoding of the message they decode to`() {
    let seed: UInt64 = 20_251_122
    var random = SeededGenerator(seed: seed)
    let seeds = commands.map(\.1) + events.map(\.1)
    for _ in 0..<40_000 {
      var bytes = seeds[Int(random.next() % UInt64(seeds.count))]
      for _ in 0..<random.next() % 4 { mutate(&bytes, &random) }
      if let message = try? command(bytes) { #expect(message.encoded() == bytes, "seed \(seed): \(bytes)") }
      if let message = try? event(bytes) { #expect(message.encoded() == bytes, "seed \(seed): \(bytes)") }
    }
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    let position = Int(random.next() % UInt64(bytes.count + 1))
    switch random.next() % 4 {
    case 0 where position < bytes.count: bytes[position] = UInt8(truncatingIfNeeded: random.next())
    case 1 where position < bytes.count: bytes.remove(at: position)
    case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
    default: bytes = Array(bytes.prefix(position))
    }
  }
}
