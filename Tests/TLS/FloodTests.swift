import Domain
import Glibc
import Linux
import Properties
import TLS
import Testing

/// A peer that sends messages without application data: OpenSSL processes them within one call.
struct FloodTests {
  private static let contexts = Result { () throws(TLSError) in try RecordPeer.Contexts() }
  /// The limit of what one call reads from the socket: four records of the maximum size.
  private static let bytesPerCall = 66 * 1024

  /// Our connection, and its peer.
  private struct FloodedConnection: ~Copyable {
    var connection: TLSConnection
    let peer: RecordPeer
    private let sockets: SocketPair
    /// Bytes that did not fit into the socket yet.
    private var pending: ArraySlice<UInt8> = []

    init(_ side: RecordPeer.Side, _ version: TLSVersion) throws {
      let contexts = try FloodTests.contexts.get()
      let sockets = SocketPair(buffer: 1 << 20)
      let peer = RecordPeer(side, version, on: sockets.right, of: contexts)
      var connection = try Self.connect(sockets.left, to: side, contexts)
      let isDone = peer.handshake(with: &connection)
      #expect(isDone)
      self.connection = connection
      self.peer = peer
      self.sockets = sockets
    }

    private static func connect(
      _ descriptor: Int32, to side: RecordPeer.Side, _ contexts: RecordPeer.Contexts
    ) throws -> TLSConnection {
      switch side {
      case .client: try TLSConnection(accepting: descriptor, context: contexts.front)
      case .server: try TLSConnection(connecting: descriptor, context: contexts.back, serverName: .none)
      }
    }

    /// Bytes pending in the connection's socket.
    var waiting: Int {
      var count: Int32 = 0
      _ = unsafe ioctl(sockets.left, UInt(FIONREAD), &count)
      return Int(count)
    }

    mutating func send(_ bytes: [UInt8]) {
      pending += bytes
      let sent = unsafe pending.withUnsafeBytes { unsafe Glibc.send(sockets.right, $0.baseAddress, $0.count, 0) }
      pending = pending.dropFirst(max(0, sent))
    }

    /// One read, which must not exceed the limit.
    mutating func read() -> Reading {
      send([])
      let before = waiting
      connection.became(.readable)
      let reading = connection.readOnce()
      #expect(before - waiting <= FloodTests.bytesPerCall)
      return reading
    }
  }

  struct Flood: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let side: RecordPeer.Side
    let version: TLSVersion
    /// One record; thousands of them are sent.
    let record: @Sendable (RecordPeer) -> [UInt8]

    init(
      _ name: String, _ side: RecordPeer.Side, _ version: TLSVersion,
      _ record: @escaping @Sendable (RecordPeer) -> [UInt8]
    ) {
      testDescription = "\(name) of a \(side), \(version)"
      (self.side, self.version, self.record) = (side, version, record)
    }
  }

  static let messages = [
    Flood("key updates", .client, .tls13) { $0.keyUpdate() },
    Flood("key updates that ask for ours", .client, .tls13) { $0.keyUpdate(requested: true) },
    Flood("key updates", .server, .tls13) { $0.keyUpdate() },
    Flood("key updates that ask for ours", .server, .tls13) { $0.keyUpdate(requested: true) },
    Flood("tickets", .server, .tls13) { $0.seal(22, RecordPeer.ticket) },
    Flood("records full of tickets", .server, .tls13) {
      $0.seal(22, Array(repeatElement(RecordPeer.ticket, count: 900).joined()))
    },
    Flood("requests for a renegotiation", .server, .tls12) { $0.seal(22, RecordPeer.helloRequest) },
    Flood("renegotiations", .client, .tls12) { $0.seal(22, RecordPeer.clientHello) },
  ]

  @Test(arguments: messages)
  func `messages without application data fail the connection, from the first call on`(flood: Flood) throws {
    var flooded = try FloodedConnection(flood.side, flood.version)
    var bytes: [UInt8] = []
    while bytes.count < 150_000 { bytes += flood.record(flooded.peer) }
    flooded.send(bytes)
    #expect(flooded.read() == .failed(TLSConnection.floodExplanation))
    #expect((flooded.connection.isFlooded) == true)
    #expect(flooded.read() == .failed(TLSConnection.floodExplanation))
    #expect(flooded.connection.writeSome("x") == 0)
  }

  /// OpenSSL bounds these itself; the test notices if it no longer does.
  static let records = [
    Flood("empty records", .client, .tls13) { $0.seal(23, []) },
    Flood("empty records", .server, .tls12) { $0.seal(23, []) },
    Flood("empty handshake records", .client, .tls12) { $0.seal(22, []) },
    Flood("warnings", .client, .tls12) { $0.seal(21, [1, 90]) },
    Flood("cancellations", .server, .tls13) { $0.seal(21, [1, 90]) },
    Flood("changes of the cipher", .client, .tls12) { $0.seal(20, [1]) },
    Flood("changes of the cipher", .client, .tls13) { _ in [20, 3, 3, 0, 1, 1] },
    Flood("warnings between empty records", .client, .tls12) {
      $0.seal(21, [1, 90]) + $0.seal(23, []) + $0.seal(23, [])
    },
  ]

  @Test(arguments: records)
  func `empty records fail the connection too`(flood: Flood) throws {
    var flooded = try FloodedConnection(flood.side, flood.version)
    for _ in 0..<100 { flooded.send(flood.record(flooded.peer)) }
    guard case .failed = flooded.read() else {
      Issue.record("it goes on")
      return
    }
  }

  @Test(arguments: [RecordPeer.Side.client, .server], [TLSVersion.tls12, .tls13])
  func `messages up to the limit are accepted, and one more fails the connection`(
    side: RecordPeer.Side, version: TLSVersion
  ) throws {
    var flooded = try FloodedConnection(side, version)
    func message(_ peer: RecordPeer) -> [UInt8] {
      if version == .tls13 { return peer.keyUpdate() }
      return peer.seal(22, side == .client ? RecordPeer.clientHello : RecordPeer.helloRequest)
    }
    for _ in 0..<64 { flooded.send(message(flooded.peer)) }
    flooded.send(flooded.peer.seal(23, Array("one".utf8)))
    #expect(flooded.read() == .bytes(Array("one".utf8)))
    // A read of application data allows two more.
    flooded.send(message(flooded.peer) + message(flooded.peer) + flooded.peer.seal(23, Array("two".utf8)))
    #expect(flooded.read() == .bytes(Array("two".utf8)))
    for _ in 0..<3 { flooded.send(message(flooded.peer)) }
    flooded.send(flooded.peer.seal(23, Array("three".utf8)))
    #expect(flooded.read() == .failed(TLSConnection.floodExplanation))
  }

  @Test func `a key update with every record of a long connection is no flood (RFC 8446 §4.6.3)`() throws {
    var flooded = try FloodedConnection(.client, .tls13)
    for round in 0..<1_000 {
      flooded.send(flooded.peer.keyUpdate(requested: round % 2 == 0) + flooded.peer.seal(23, [UInt8(round & 0xff)]))
      #expect(flooded.read() == .bytes([UInt8(round & 0xff)]))
    }
  }

  @Test func `a message in one-byte records is read in several turns, and later data arrives`() throws {
    var flooded = try FloodedConnection(.server, .tls13)
    let size = 12_000
    let content =
      [0, 0, 1, 0, 1, 2, 3, 4, 0, UInt8(size >> 8), UInt8(size & 0xff)] + [UInt8](repeating: 9, count: size)
    let message = [4, 0, UInt8((content.count + 2) >> 8), UInt8((content.count + 2) & 0xff)] + content + [0, 0]
    var bytes: [UInt8] = []
    for byte in message { bytes += flooded.peer.seal(22, [byte]) }
    flooded.send(bytes + flooded.peer.seal(23, Array("behind".utf8)))
    var yields = 0
    var reading = flooded.read()
    while reading == .yield {
      yields += 1
      #expect((flooded.connection.mayRead) == true)
      reading = flooded.read()
    }
    #expect(reading == .bytes(Array("behind".utf8)))
    #expect(yields >= 3)
  }

  @Test func `a handshake in one-byte records yields to other clients, and fails if it never ends`() throws {
    let sockets = SocketPair(buffer: 1 << 20)
    var server = try TLSConnection(accepting: sockets.left, context: Self.contexts.get().front)
    let hello: [UInt8] = [1, 0, 0xff, 0xff] + [UInt8](repeating: 3, count: 0xffff)
    var bytes = ArraySlice(hello.flatMap { [22, 3, 1, 0, 1, $0] as [UInt8] })
    var yields = 0
    for _ in 0..<100 {
      let sent = unsafe bytes.withUnsafeBytes { unsafe send(sockets.right, $0.baseAddress, $0.count, 0) }
      bytes = bytes.dropFirst(max(0, sent))
      server.became(.readable)
      switch server.handshake() {
      case .yield: yields += 1
      case .failed(let failure):
        #expect(failure.description == "the peer's handshake has no end")
        #expect(yields == 3)
        return
      case .done, .wantsRead, .wantsWrite: break
      }
    }
    Issue.record("it goes on")
  }
}
