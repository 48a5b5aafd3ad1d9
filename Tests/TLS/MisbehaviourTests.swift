import Linux
import TLS
import Testing

struct MisbehaviourTests {
  /// The result of an accepting connection for these first bytes.
  private func failure(of bytes: [UInt8]) throws -> TLSFailure? {
    let sockets = SocketPair()
    var server = try TLSConnection(accepting: sockets.left, context: Contexts.server())
    sendRaw(bytes, to: sockets.right)
    server.became(.readable)
    if case .failed(let failure) = server.handshake() { return failure }
    return nil
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "plain HTTP came where TLS was expected"),
    ("SSH-2.0-OpenSSH_9.2\r\n", "wrong version number"),
    ("\u{16}\u{3}\u{1}\u{7f}\u{7f}", "encrypted length too long"),
  ])
  func `bytes that are not TLS fail the handshake, and the log says what they were`(text: String, reason: String) throws
  {
    let failure = try failure(of: Array(text.utf8))
    #expect(failure?.blame == .peer)
    #expect(failure?.description == reason)
  }

  @Test(arguments: [true, false])
  func `an empty host name is a decode error (RFC 6066 §3)`(isEmpty: Bool) throws {
    let name: [UInt8] = isEmpty ? [] : [0x61]
    func sized(_ bytes: [UInt8]) -> [UInt8] { [0, UInt8(bytes.count)] + bytes }
    let extensions = sized([0, 0] + sized(sized([0] + sized(name))))
    let body = [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0xc0, 0x2b, 1, 0] + extensions
    let sockets = SocketPair()
    var server = try TLSConnection(accepting: sockets.left, context: Contexts.server())
    sendRaw([22, 3, 1] + sized([1, 0] + sized(body)), to: sockets.right)
    server.became(.readable)
    let progress = server.handshake()
    let alert: [UInt8] = [21, 3, 3, 0, 2, 2, 50]
    #expect((receiveRaw(from: sockets.right) == alert) == isEmpty)
    // The other one offers nothing acceptable, which is another alert.
    guard case .failed(let failure) = progress else {
      Issue.record("it goes on")
      return
    }
    #expect(failure.blame == .peer)
  }

  @Test func `a client that disconnects during the handshake is blamed for it`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.cutClient()
    tlsPair.server.became(.ended)
    guard case .failed(let failure) = tlsPair.server.handshake() else {
      Issue.record("the end was not seen")
      return
    }
    #expect(failure.blame == .peer)
    #expect(failure.description == "the peer closed the connection in the handshake")
  }

  @Test func `a failed connection repeats its failure and does nothing else`() throws {
    let sockets = SocketPair()
    var server = try TLSConnection(accepting: sockets.left, context: Contexts.server())
    sendRaw(Array("nonsense".utf8), to: sockets.right)
    server.became(.readable)
    guard case .failed(let first) = server.handshake(), case .failed(let second) = server.handshake(),
      case .failed(let third) = server.write(Array("x".utf8).span), case .failed(let fourth) = server.sendCloseNotify()
    else {
      Issue.record("a broken connection went on")
      return
    }
    #expect(Set([first, second, third, fourth].map(\.description)).count == 1)
    #expect(server.readOnce() == .failed(first.description))
  }

  @Test(arguments: 0..<300)
  func `a mutated handshake fails or waits, and never crashes`(seed: Int) throws {
    let sockets = SocketPair()
    var random = UInt64(seed + 1)
    func next() -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33)
    }
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.look()
    _ = tlsPair.client.handshake()
    var hello = receiveRaw(from: tlsPair.serverDescriptor)
    for _ in 0...(next() % 4) { hello[next() % hello.count] = UInt8(truncatingIfNeeded: next()) }
    if seed % 5 == 0 { hello.removeLast(next() % hello.count) }
    var server = try TLSConnection(accepting: sockets.left, context: Contexts.server())
    sendRaw(hello, to: sockets.right)
    server.became(.readable)
    switch server.handshake() {
    case .failed(let failure): #expect(failure.blame == .peer, "\(failure)")
    case .wantsRead: break
    case .done, .wantsWrite, .yield: Issue.record("it can't be done")
    }
  }

  @Test(arguments: 0..<200)
  func `a modified record fails the read and delivers none of its bytes`(seed: Int) throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    _ = tlsPair.client.writeSome("a record that is modified on the way")
    var record = receiveRaw(from: tlsPair.serverDescriptor)
    record[seed % record.count] ^= UInt8(1 << (seed % 8))
    sendRaw(record, to: tlsPair.clientDescriptor)
    tlsPair.cutClient()
    tlsPair.look()
    switch tlsPair.server.readOnce() {
    case .failed, .truncated: break
    case let other: Issue.record("\(other)")
    }
  }
}
