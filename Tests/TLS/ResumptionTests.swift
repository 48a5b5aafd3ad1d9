import Domain
import Testing
import Wire

@testable import TLS

struct ResumptionTests {
  private let pair: CertificatePair
  private let trusting: ClientContext
  private let keys: TicketKeys
  private let name: ReferenceIdentity

  init() throws {
    pair = try SelfSigned.make(for: ["view.domain.local"])
    trusting = try Contexts.trusting()
    keys = try TicketKeys(at: Self.time(0), interval: .minutes(10), previous: 2)
    name = try ReferenceIdentity("view.domain.local")
  }

  private static func time(_ minutes: Int) -> WallTime { WallTime(seconds: 60 * Int64(minutes)) }

  /// A session from a full handshake.
  private func session(with front: ServerContext, _ back: ClientContext? = nil) throws -> TLSSession? {
    var tlsPair = try TLSPair(front, back ?? trusting, name: name)
    tlsPair.establish()
    #expect((tlsPair.client.resumed) == false)
    return tlsPair.client.takeSession()
  }

  /// Whether a connection with the session is resumed, on both ends alike.
  private func resumes(
    _ session: borrowing TLSSession?, with front: ServerContext, _ back: ClientContext? = nil,
    name: ReferenceIdentity? = nil
  ) throws -> Bool {
    var tlsPair = try TLSPair(front, back ?? trusting, name: name ?? self.name, session: session)
    tlsPair.establish()
    #expect((tlsPair.client.resumed) == (tlsPair.server.resumed))
    _ = tlsPair.client.writeSome("works")
    tlsPair.look()
    #expect(tlsPair.server.readOnce() == .bytes(Array("works".utf8)))
    return tlsPair.client.resumed
  }

  @Test(arguments: [TLSProfile.modern, .legacy])
  func `a ticket is accepted by another context with the same keys, as after a reload`(profile: TLSProfile) throws {
    let before = try ServerContext(certificates: [pair], profile: profile, tickets: keys)
    let after = try ServerContext(certificates: [pair], profile: profile, tickets: keys)
    #expect(try resumes(session(with: before), with: after))
  }

  @Test func `TLS 1.2 sessions are resumed too`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    let back = try Contexts.trusting(limitedTo: .tls12)
    #expect(try resumes(session(with: front, back), with: front, back))
  }

  @Test(arguments: [(TLSVersion.tls12, true), (.tls13, false)])
  func `a session is resumed repeatedly with TLS 1.2 and once with TLS 1.3 (RFC 8446 §C.4)`(
    version: TLSVersion, again: Bool
  ) throws {
    let front = try Contexts.server(pair, tickets: keys)
    let back = try Contexts.trusting(limitedTo: version)
    let session = try session(with: front, back)
    #expect(try resumes(session, with: front, back))
    #expect(try resumes(session, with: front, back) == again)
  }

  @Test func `a session is resumed also for a name with its own certificate`() throws {
    let front = try Contexts.server(SelfSigned.make(for: ["first"]), pair, tickets: keys)
    #expect(try resumes(session(with: front), with: front))
  }

  @Test func `a resumed TLS 1.3 connection gets the next ticket (RFC 8446 §C.4)`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    var tlsPair = try TLSPair(front, trusting, name: name, session: session(with: front))
    tlsPair.establish()
    #expect((tlsPair.client.resumed) == true)
    #expect(try resumes(tlsPair.client.takeSession(), with: front))
  }

  @Test func `a session is returned once`() throws {
    var tlsPair = try TLSPair(Contexts.server(pair, tickets: keys), trusting, name: name)
    tlsPair.establish()
    let first = tlsPair.client.takeSession()
    let second = tlsPair.client.takeSession()
    #expect((first == nil) == false)
    #expect((second == nil) == true)
  }

  @Test(arguments: [0, 1, 2, 3])
  func `a ticket is accepted until its key is rotated out`(rotations: Int) throws {
    let front = try Contexts.server(pair, tickets: keys)
    let session = try session(with: front)
    for step in 0..<rotations {
      try keys.rotate(at: Self.time(10 * (step + 1)))
    }
    // The two keys before the current one still decrypt.
    #expect(try resumes(session, with: front) == (rotations <= 2))
  }

  @Test func `a key is not rotated before its time`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    let session = try session(with: front)
    for _ in 0..<5 { try keys.rotate(at: Self.time(9)) }
    #expect(try resumes(session, with: front))
    #expect(keys.ticketLifetime == .minutes(20))
  }

  @Test func `a ticket of unknown keys leads to a full handshake`() throws {
    let other = try TicketKeys(at: Self.time(0))
    let session = try session(with: Contexts.server(pair, tickets: keys))
    #expect(try !resumes(session, with: Contexts.server(pair, tickets: other)))
  }

  @Test func `a session of one profile is not resumed with another`() throws {
    let back = try Contexts.trusting(limitedTo: .tls12)
    let session = try session(with: Contexts.server(pair, profile: .legacy, tickets: keys), back)
    #expect(try !resumes(session, with: Contexts.server(pair, profile: .intermediate, tickets: keys), back))
  }

  /// A client of TLS 1.2 that takes no tickets.
  private func withoutTickets() throws -> ClientContext {
    let client = try Contexts.trusting(limitedTo: .tls12)
    client.refuseTickets()
    return client
  }

  @Test(arguments: [TLSProfile.intermediate, .legacy])
  func `without tickets a TLS 1.2 session is resumed by its ID repeatedly (RFC 5246 §7.4.1.3)`(
    profile: TLSProfile
  ) throws {
    let front = try ServerContext(certificates: [pair], profile: profile, tickets: keys)
    let back = try withoutTickets()
    let session = try session(with: front, back)
    #expect(keys.sessions.count == 1)
    for _ in 0..<3 { #expect(try resumes(session, with: front, back)) }
    // Also by the context of the next configuration.
    #expect(try resumes(session, with: ServerContext(certificates: [pair], profile: profile, tickets: keys), back))
    #expect(keys.sessions.count == 1)
  }

  @Test func `a session with a ticket, or of TLS 1.3, is not cached by the server`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    _ = try session(with: front)
    _ = try session(with: front, Contexts.trusting(limitedTo: .tls12))
    #expect(keys.sessions.count == 0)
  }

  @Test func `a cached session is not resumed with another profile, nor without keys`() throws {
    let back = try withoutTickets()
    let session = try session(with: Contexts.server(pair, profile: .legacy, tickets: keys), back)
    #expect(try !resumes(session, with: Contexts.server(pair, profile: .intermediate, tickets: keys), back))
    #expect(try !resumes(session, with: Contexts.server(pair, profile: .legacy), back))
  }

  @Test func `a cached session is resumed until the keys of its time are rotated out`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    let back = try withoutTickets()
    let session = try session(with: front, back)
    try keys.rotate(at: Self.time(10))
    #expect(try resumes(session, with: front, back))
    try keys.rotate(at: Self.time(20))
    #expect(try !resumes(session, with: front, back))
  }

  @Test func `the session cache is bounded and keeps the newest sessions`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    let back = try withoutTickets()
    let first = try session(with: front, back)
    let kept = keys.sessions.fill(SessionCache.capacity * 2)
    #expect(keys.sessions.count <= SessionCache.capacity)
    #expect(keys.sessions.count >= SessionCache.capacity / 2)
    #expect(kept)
    #expect(try !resumes(first, with: front, back))
    #expect(try resumes(session(with: front, back), with: front, back))
  }

  @Test func `a session of a failed connection is not resumed by its ID (RFC 5246 §7.2.2)`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    let back = try withoutTickets()
    let session = try sessionOfBroken(front, back)
    #expect(keys.sessions.count == 0)
    #expect(try !resumes(session, with: front, back))
  }

  private func sessionOfBroken(_ front: ServerContext, _ back: ClientContext) throws -> TLSSession? {
    var tlsPair = try TLSPair(front, back, name: name)
    tlsPair.establish()
    let session = tlsPair.client.takeSession()
    // A record that can't be decrypted: the server answers with a fatal alert.
    sendRaw([23, 3, 3, 0, 32] + [UInt8](repeating: 7, count: 32), to: tlsPair.clientDescriptor)
    tlsPair.look()
    guard case .failed = tlsPair.server.readOnce() else {
      Issue.record("it was opened")
      return nil
    }
    return session
  }

  @Test func `without keys no session is created`() throws {
    let session = try session(with: Contexts.server(pair))
    #expect((session == nil) == true)
  }

  @Test func `a session is offered only with the trust settings that verified it`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    let session = try session(with: front)
    let strict = try ClientContext(trust: .fingerprints([pair.facts.fingerprint]))
    #expect(try !resumes(session, with: front, strict))
  }

  @Test func `a session is offered only for the server name that it was created with`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    let session = try session(with: front)
    #expect(try !resumes(session, with: front, name: ReferenceIdentity("other.domain.local")))
  }

  @Test func `a connection cut without close_notify leaves its session valid`() throws {
    let front = try Contexts.server(pair, tickets: keys)
    let session = try sessionOfCut(front)
    #expect(try resumes(session, with: front))
  }

  @Test func `one context serves many threads while its keys rotate`() async throws {
    let front = try Contexts.server(pair, tickets: keys)
    try await withThrowingTaskGroup(of: Int.self) { group in
      for thread in 0..<4 {
        group.addTask {
          var resumed = 0
          var session: TLSSession?
          for round in 0..<20 {
            var tlsPair = try TLSPair(front, trusting, name: name, session: session.take())
            tlsPair.establish()
            if tlsPair.client.resumed { resumed += 1 }
            session = tlsPair.client.takeSession()
            if thread == 0 { try keys.rotate(at: Self.time(round * 4)) }
          }
          return resumed
        }
      }
      // The sessions of one round are used in the next; at least those of the rotating thread itself are resumed.
      for try await resumed in group { #expect(resumed > 0) }
    }
  }

  private func sessionOfCut(_ front: ServerContext) throws -> TLSSession? {
    var tlsPair = try TLSPair(front, trusting, name: name)
    tlsPair.establish()
    tlsPair.cutClient()
    return tlsPair.client.takeSession()
  }
}
