import Linux
import TLS
import Testing

struct StreamTests {
  /// The byte at a place of an endless pattern that no record boundary divides.
  private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) } }

  @Test(arguments: [Int32(0), 1, 70_000], [TLSProfile.modern, .legacy])
  func `megabytes arrive whole through sockets of any size, both ways at once`(
    buffer: Int32, profile: TLSProfile
  ) throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting(profile: profile), buffer: buffer)
    duo.establish()
    let sent = pattern(1 << 19)
    var up: [UInt8] = []
    var down: [UInt8] = []
    var upOffset = 0
    var downOffset = 0
    while up.count < sent.count || down.count < sent.count {
      duo.look()
      if upOffset < sent.count { upOffset += duo.client.writeSome(sent[upOffset...]) }
      if downOffset < sent.count { downOffset += duo.server.writeSome(sent[downOffset...]) }
      duo.look()
      while case .bytes(let bytes) = duo.server.readOnce() { up += bytes }
      while case .bytes(let bytes) = duo.client.readOnce(limit: 1000) { down += bytes }
    }
    #expect(up == sent)
    #expect(down == sent)
  }

  @Test func `a blocked write goes on with the same bytes from another place`() throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting(), buffer: 1)
    duo.establish()
    let bytes = pattern(1 << 16)
    duo.look()
    var offset = 0
    while true {
      let count = duo.client.writeSome(bytes[offset...])
      if count == 0 { break }
      offset += count
    }
    #expect(!(duo.client.readiness.contains(.writable)))
    var received: [UInt8] = []
    while received.count < bytes.count {
      duo.look()
      while case .bytes(let some) = duo.server.readOnce() { received += some }
      duo.look()
      // A copy: the rest of the bytes is somewhere else now.
      if offset < bytes.count { offset += duo.client.writeSome(ArraySlice(Array(bytes[offset...]))) }
    }
    #expect(received == bytes)
  }

  @Test(arguments: [TLSProfile.modern, .legacy])
  func `what came before a write failed can still be read, and its end is no orderly one`(profile: TLSProfile) throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting(profile: profile))
    duo.establish()
    _ = duo.client.writeSome("answer")
    duo.breakClient()
    guard case .failed = duo.server.write(Array("more".utf8).span) else {
      Issue.record("the write reached nobody, and said nothing")
      return
    }
    duo.look()
    #expect(duo.server.readOnce() == .bytes(Array("answer".utf8)))
    guard case .failed = duo.server.readOnce() else {
      Issue.record("the end passed for an orderly one")
      return
    }
    guard case .failed = duo.server.write(Array("more".utf8).span), case .failed = duo.server.sendCloseNotify() else {
      Issue.record("a broken direction went on")
      return
    }
  }

  @Test(arguments: [TLSProfile.modern, .legacy])
  func `close_notify ends one direction and leaves the other open (RFC 8446 §6.1)`(profile: TLSProfile) throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting(profile: profile))
    duo.establish()
    _ = duo.client.writeSome("last")
    guard case .sent = duo.client.sendCloseNotify() else {
      Issue.record("close_notify did not go out")
      return
    }
    duo.look()
    #expect(duo.server.readOnce() == .bytes(Array("last".utf8)))
    #expect(duo.server.readOnce() == .closed)
    #expect(duo.server.writeSome("answer") == 6)
    duo.look()
    #expect(duo.client.readOnce() == .bytes(Array("answer".utf8)))
    guard case .sent = duo.server.sendCloseNotify() else {
      Issue.record("close_notify did not go out")
      return
    }
    duo.look()
    #expect(duo.client.readOnce() == .closed)
  }

  @Test func `a close_notify that finds the socket full is sent later`() throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting(), buffer: 1)
    duo.establish()
    let bytes = pattern(1 << 15)
    duo.client.readiness = []
    guard case .wouldBlock = duo.client.sendCloseNotify() else {
      Issue.record("nothing can be sent to a socket that is not writable")
      return
    }
    duo.look()
    guard case .sent = duo.client.sendCloseNotify() else {
      Issue.record("close_notify did not go out")
      return
    }
    duo.look()
    #expect(duo.server.readOnce() == .closed)
    var offset = 0
    var received = 0
    while received < bytes.count {
      duo.look()
      if offset < bytes.count { offset += duo.server.writeSome(bytes[offset...]) }
      duo.look()
      while case .bytes(let some) = duo.client.readOnce() { received += some.count }
    }
  }

  @Test func `an end of file without close_notify is a truncation, and our direction still works`() throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting())
    duo.establish()
    _ = duo.client.writeSome("half a requ")
    duo.cutClient()
    duo.look()
    #expect(duo.server.readOnce() == .bytes(Array("half a requ".utf8)))
    #expect(duo.server.readOnce() == .truncated)
    #expect(duo.server.readOnce() == .truncated)
    #expect(duo.server.writeSome("still here") == 10)
    duo.look()
    #expect(duo.client.readOnce() == .bytes(Array("still here".utf8)))
  }

  @Test func `a record cut in its middle is a truncation`() throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting())
    duo.establish()
    _ = duo.client.writeSome("a record")
    let record = receiveRaw(from: duo.serverDescriptor)
    sendRaw(Array(record.dropLast()), to: duo.clientDescriptor)
    duo.cutClient()
    duo.look()
    #expect(duo.server.readOnce() == .truncated)
  }

  @Test func `a peer that is gone fails the write without a signal`() throws {
    var duo = try Duo(Contexts.server(), Contexts.trusting())
    duo.establish()
    duo.breakClient()
    var failure: TLSFailure?
    for _ in 0..<4 {
      duo.server.became(.writable)
      if case .failed(let found) = duo.server.write(Array("x".utf8).span) { failure = found }
    }
    #expect(failure?.blame == .peer)
    #expect(failure?.description.contains("EPIPE") == true)
  }
}
