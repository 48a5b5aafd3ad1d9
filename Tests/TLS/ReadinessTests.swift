import Glibc
import Linux
import TLS
import Testing

/// The rule of the socket BIO: no system call if the readiness says that it would block. On a connection with an
/// invalid descriptor each system call is a failure.
struct ReadinessTests {
  private static let noDescriptor: Int32 = -1

  @Test func `a handshake makes no system call before the socket is reported ready`() throws {
    var client = try TLSConnection(
      connecting: Self.noDescriptor, context: Contexts.trusting(), serverName: .none)
    client.readiness = []
    guard case .wantsWrite = client.handshake() else {
      Issue.record("it should wait for room")
      return
    }
    client.became(.writable)
    guard case .failed(let failure) = client.handshake() else {
      Issue.record("it should have tried the descriptor")
      return
    }
    #expect(failure.blame == .system)
    #expect(failure.systemError == EBADF)
  }

  @Test func `an accepting connection waits for the first byte without a system call`() throws {
    var server = try TLSConnection(accepting: Self.noDescriptor, context: Contexts.server())
    #expect((server.readiness) == .writable)
    guard case .wantsRead = server.handshake() else {
      Issue.record("it should wait for bytes")
      return
    }
    server.became(.readable)
    guard case .failed(let failure) = server.handshake() else {
      Issue.record("it should have tried the descriptor")
      return
    }
    #expect(failure.systemError == EBADF)
  }

  @Test func `an established connection does not read before the socket is reported readable`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    _ = tlsPair.client.writeSome("waiting")
    #expect((tlsPair.server.mayRead) == false)
    #expect(tlsPair.server.readOnce() == .wouldBlock)
    tlsPair.server.became(.readable)
    #expect((tlsPair.server.mayRead) == true)
    #expect(tlsPair.server.readOnce() == .bytes(Array("waiting".utf8)))
  }

  @Test func `a short read clears the readiness, unless the end of file was reported`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    _ = tlsPair.client.writeSome("one")
    tlsPair.server.became(.readable)
    #expect(tlsPair.server.readOnce() == .bytes(Array("one".utf8)))
    #expect(!(tlsPair.server.readiness.contains(.readable)))
    #expect((tlsPair.server.mayRead) == false)

    _ = tlsPair.client.writeSome("two")
    tlsPair.cutClient()
    tlsPair.server.became(.ended)
    #expect((tlsPair.server.mayRead) == true)
    #expect(tlsPair.server.readOnce() == .bytes(Array("two".utf8)))
    #expect((tlsPair.server.mayRead) == true)
    #expect(tlsPair.server.readOnce() == .truncated)
  }

  @Test func `records received together are read without another event`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    for text in ["one", "two", "three"] { _ = tlsPair.client.writeSome(text) }
    tlsPair.server.became(.readable)
    for text in ["one", "two", "three"] {
      #expect((tlsPair.server.mayRead) == true)
      #expect(tlsPair.server.readOnce() == .bytes(Array(text.utf8)))
    }
    #expect((tlsPair.server.mayRead) == false)
    #expect(tlsPair.server.readOnce() == .wouldBlock)
  }

  @Test func `an incomplete record is not read again before the next event`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    _ = tlsPair.client.writeSome("a record in two pieces")
    let record = receiveRaw(from: tlsPair.serverDescriptor)
    sendRaw(Array(record[..<10]), to: tlsPair.clientDescriptor)
    tlsPair.server.became(.readable)
    #expect(tlsPair.server.readOnce() == .wouldBlock)
    #expect((tlsPair.server.mayRead) == false)
    sendRaw(Array(record[10...]), to: tlsPair.clientDescriptor)
    tlsPair.server.became(.readable)
    #expect(tlsPair.server.readOnce() == .bytes(Array("a record in two pieces".utf8)))
  }

  @Test func `a key update is answered with the next write and delays no read (RFC 8446 §4.6.3)`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    tlsPair.client.requestKeyUpdate()
    _ = tlsPair.client.writeSome("under the new key")
    tlsPair.server.readiness = .readable
    #expect(tlsPair.server.readOnce() == .bytes(Array("under the new key".utf8)))
    #expect(tlsPair.server.writeSome("and back") == 0)
    tlsPair.look()
    #expect(tlsPair.server.writeSome("and back") == 8)
    tlsPair.look()
    #expect(tlsPair.client.readOnce() == .bytes(Array("and back".utf8)))
  }

  @Test func `a read fills the buffer, and the rest stays in OpenSSL`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    _ = tlsPair.client.writeSome("twelve bytes")
    tlsPair.server.became(.readable)
    #expect(tlsPair.server.readOnce(limit: 6) == .bytes(Array("twelve".utf8)))
    #expect((tlsPair.server.mayRead) == true)
    #expect(tlsPair.server.readOnce(limit: 100) == .bytes(Array(" bytes".utf8)))
    #expect((tlsPair.server.mayRead) == false)
  }
}
