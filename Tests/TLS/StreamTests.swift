import Domain
import Linux
import TLS
import Testing

struct StreamTests {
  /// The byte at an offset of an endless pattern whose period does not divide a record's length.
  private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) } }

  @Test(arguments: [Int32(0), 1, 70_000], [TLSProfile.modern, .legacy])
  func `large transfers arrive complete in both directions, whatever the socket buffer size`(
    buffer: Int32, profile: TLSProfile
  ) throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting(profile: profile), buffer: buffer)
    tlsPair.establish()
    let sent = pattern(1 << 19)
    var up: [UInt8] = []
    var down: [UInt8] = []
    var upOffset = 0
    var downOffset = 0
    while up.count < sent.count || down.count < sent.count {
      tlsPair.look()
      if upOffset < sent.count { upOffset += tlsPair.client.writeSome(sent[upOffset...]) }
      if downOffset < sent.count { downOffset += tlsPair.server.writeSome(sent[downOffset...]) }
      tlsPair.look()
      while case .bytes(let bytes) = tlsPair.server.readOnce() { up += bytes }
      while case .bytes(let bytes) = tlsPair.client.readOnce(limit: 1000) { down += bytes }
    }
    #expect(up == sent)
    #expect(down == sent)
  }

  @Test func `a blocked write resumes with the same bytes in another buffer`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting(), buffer: 1)
    tlsPair.establish()
    let bytes = pattern(1 << 16)
    tlsPair.look()
    var offset = 0
    while true {
      let count = tlsPair.client.writeSome(bytes[offset...])
      if count == 0 { break }
      offset += count
    }
    #expect(!(tlsPair.client.readiness.contains(.writable)))
    var received: [UInt8] = []
    while received.count < bytes.count {
      tlsPair.look()
      while case .bytes(let some) = tlsPair.server.readOnce() { received += some }
      tlsPair.look()
      // A copy: the rest of the bytes has another address.
      if offset < bytes.count { offset += tlsPair.client.writeSome(ArraySlice(Array(bytes[offset...]))) }
    }
    #expect(received == bytes)
  }

  @Test(arguments: [TLSProfile.modern, .legacy])
  func `data received before a failed write is still readable, and an error follows it`(profile: TLSProfile) throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting(profile: profile))
    tlsPair.establish()
    _ = tlsPair.client.writeSome("answer")
    tlsPair.breakClient()
    guard case .failed = tlsPair.server.write(Array("more".utf8).span) else {
      Issue.record("the write succeeded on a closed connection")
      return
    }
    tlsPair.look()
    #expect(tlsPair.server.readOnce() == .bytes(Array("answer".utf8)))
    guard case .failed = tlsPair.server.readOnce() else {
      Issue.record("the end was taken for an orderly one")
      return
    }
    guard case .failed = tlsPair.server.write(Array("more".utf8).span), case .failed = tlsPair.server.sendCloseNotify()
    else {
      Issue.record("the failed direction accepted a write")
      return
    }
  }

  @Test(arguments: [TLSProfile.modern, .legacy])
  func `close_notify ends one direction and leaves the other open (RFC 8446 §6.1)`(profile: TLSProfile) throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting(profile: profile))
    tlsPair.establish()
    _ = tlsPair.client.writeSome("last")
    guard case .sent = tlsPair.client.sendCloseNotify() else {
      Issue.record("close_notify did not go out")
      return
    }
    tlsPair.look()
    #expect(tlsPair.server.readOnce() == .bytes(Array("last".utf8)))
    #expect(tlsPair.server.readOnce() == .closed)
    #expect(tlsPair.server.writeSome("answer") == 6)
    tlsPair.look()
    #expect(tlsPair.client.readOnce() == .bytes(Array("answer".utf8)))
    guard case .sent = tlsPair.server.sendCloseNotify() else {
      Issue.record("close_notify did not go out")
      return
    }
    tlsPair.look()
    #expect(tlsPair.client.readOnce() == .closed)
  }

  @Test func `close_notify is sent later if the socket buffer is full`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting(), buffer: 1)
    tlsPair.establish()
    let bytes = pattern(1 << 15)
    tlsPair.client.readiness = []
    guard case .wouldBlock = tlsPair.client.sendCloseNotify() else {
      Issue.record("nothing can be sent to a socket that is not writable")
      return
    }
    tlsPair.look()
    guard case .sent = tlsPair.client.sendCloseNotify() else {
      Issue.record("close_notify did not go out")
      return
    }
    tlsPair.look()
    #expect(tlsPair.server.readOnce() == .closed)
    var offset = 0
    var received = 0
    while received < bytes.count {
      tlsPair.look()
      if offset < bytes.count { offset += tlsPair.server.writeSome(bytes[offset...]) }
      tlsPair.look()
      while case .bytes(let some) = tlsPair.client.readOnce() { received += some.count }
    }
  }

  @Test func `an end of file without close_notify is a truncation, and our direction still works`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    _ = tlsPair.client.writeSome("half a requ")
    tlsPair.cutClient()
    tlsPair.look()
    #expect(tlsPair.server.readOnce() == .bytes(Array("half a requ".utf8)))
    #expect(tlsPair.server.readOnce() == .truncated)
    #expect(tlsPair.server.readOnce() == .truncated)
    #expect(tlsPair.server.writeSome("still here") == 10)
    tlsPair.look()
    #expect(tlsPair.client.readOnce() == .bytes(Array("still here".utf8)))
  }

  @Test func `an incomplete record at the end of file is a truncation`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    _ = tlsPair.client.writeSome("a record")
    let record = receiveRaw(from: tlsPair.serverDescriptor)
    sendRaw(Array(record.dropLast()), to: tlsPair.clientDescriptor)
    tlsPair.cutClient()
    tlsPair.look()
    #expect(tlsPair.server.readOnce() == .truncated)
  }

  @Test func `a write to a closed peer fails without SIGPIPE`() throws {
    var tlsPair = try TLSPair(Contexts.server(), Contexts.trusting())
    tlsPair.establish()
    tlsPair.breakClient()
    var failure: TLSFailure?
    for _ in 0..<4 {
      tlsPair.server.became(.writable)
      if case .failed(let found) = tlsPair.server.write(Array("x".utf8).span) { failure = found }
    }
    #expect(failure?.blame == .peer)
    #expect(failure?.description.contains("EPIPE") == true)
  }
}
