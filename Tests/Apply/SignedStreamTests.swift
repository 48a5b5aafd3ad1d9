import TLS
import Testing
import Wire

@testable import Apply

/// Two ends of a stream that have greeted each other.
struct StreamPair {
  var requester: SignedStream
  var receiver: SignedStream

  static let key = [UInt8](repeating: 7, count: 32)

  /// `nonces`: of the requester and of the receiver.
  init(key: [UInt8] = StreamPair.key, nonces: (UInt8, UInt8) = (1, 2)) throws {
    requester = Self.end(.requester, StreamPair.key, nonces.0)
    receiver = Self.end(.receiver, key, nonces.1)
    requester.append(receiver.greeting)
    receiver.append(requester.greeting)
    #expect(try requester.next() == nil && receiver.next() == nil)
  }

  static func end(_ side: SignedStream.Side, _ key: [UInt8], _ nonce: UInt8) -> SignedStream {
    SignedStream(side, key: key, nonce: Array(repeating: nonce, count: 32)) { Digest.hmacSHA256(key: $0, $1) }
  }
}

@Suite struct `Signed stream` {
  private let message = Array("a message".utf8)

  @Test func `messages arrive in both directions, in any pieces`() throws {
    var pair = try StreamPair()
    for number in 0..<3 {
      let sent = message + [UInt8(number)]
      let bytes = pair.requester.sign(sent)
      for byte in bytes.dropLast() {
        pair.receiver.append([byte])
        #expect(try pair.receiver.next() == nil)
      }
      pair.receiver.append([bytes[bytes.count - 1]])
      #expect(try pair.receiver.next() == sent)
      pair.requester.append(pair.receiver.sign(sent))
      #expect(try pair.requester.next() == sent)
    }
  }

  @Test func `a digest covers direction, number, both nonces and the message (RFC 2104)`() throws {
    var pair = try StreamPair()
    let bytes = pair.requester.sign(message)
    let nonces = [UInt8](repeating: 1, count: 32) + [UInt8](repeating: 2, count: 32)
    let input = [1, 0, 0, 0, 0, 0, 0, 0, 0] + nonces + message
    #expect(Array(bytes.suffix(32)) == Digest.hmacSHA256(key: StreamPair.key, input))
  }

  @Test func `a message without the key is refused`() throws {
    var pair = try StreamPair(key: Array(repeating: 8, count: 32))
    pair.receiver.append(pair.requester.sign(message))
    #expect(throws: ApplyError.digest) { try pair.receiver.next() }
  }

  @Test func `a changed message is refused`() throws {
    for position in [4, 12, 13, 44] {
      var pair = try StreamPair()
      var bytes = pair.requester.sign(message)
      bytes[position] ^= 1
      pair.receiver.append(bytes)
      #expect(throws: ApplyError.digest) { try pair.receiver.next() }
    }
  }

  @Test func `a message that is sent twice, left out or sent back is refused`() throws {
    var twice = try StreamPair()
    let first = twice.requester.sign(message)
    twice.receiver.append(first + first)
    #expect(try twice.receiver.next() == message)
    #expect(throws: ApplyError.digest) { try twice.receiver.next() }

    var gap = try StreamPair()
    _ = gap.requester.sign(message)
    gap.receiver.append(gap.requester.sign(message))
    #expect(throws: ApplyError.digest) { try gap.receiver.next() }

    var mirror = try StreamPair()
    mirror.requester.append(mirror.requester.sign(message))
    #expect(throws: ApplyError.digest) { try mirror.requester.next() }
  }

  @Test(arguments: [(1 as UInt8, 3 as UInt8), (4, 2)])
  func `messages of another connection are refused`(nonces: (UInt8, UInt8)) throws {
    var recorded = try StreamPair()
    let bytes = recorded.requester.sign(message)
    var pair = try StreamPair(nonces: nonces)
    pair.receiver.append(bytes)
    #expect(throws: ApplyError.digest) { try pair.receiver.next() }
  }

  @Test func `the receiver keeps little before the first valid message`() throws {
    var pair = try StreamPair()
    pair.receiver.append([0, 0, 2, 1])
    #expect(throws: ApplyError.tooLong(513)) { try pair.receiver.next() }
    var later = try StreamPair()
    later.receiver.append(later.requester.sign(message))
    _ = try later.receiver.next()
    let long = [UInt8](repeating: 9, count: SignedStream.payloadLimit)
    later.receiver.append(later.requester.sign(long))
    #expect(try later.receiver.next() == long)
    later.receiver.append([0xff, 0xff, 0xff, 0xff])
    #expect(throws: ApplyError.tooLong(0xffff_ffff)) { try later.receiver.next() }
  }

  @Test func `a message that comes with the greeting is not lost`() throws {
    var pair = try StreamPair()
    var late = StreamPair.end(.receiver, StreamPair.key, 2)
    late.append(pair.requester.greeting + pair.requester.sign(message))
    #expect(try late.open() && late.open())
    #expect(try late.next() == message)
  }

  @Test func `another protocol is recognised by its first byte`() {
    var stream = StreamPair.end(.receiver, StreamPair.key, 1)
    stream.append(Array("G".utf8))
    #expect(throws: ApplyError.version) { try stream.next() }
  }
}

@Suite struct `Messages of apply` {
  private static let file = ApplyFile(path: "tls/view.pem", contents: [1, 2, 3])

  static let requests: [ApplyRequest] =
    [
      .begin(change: 0x0102_0304_0506_0708, node: "lb2"), .configuration(Array("service: x".utf8)), .check, .takeOver,
      .hold, .confirm, .putBack,
    ] + (file.map { [.file($0)] } ?? [])

  static let answers: [ApplyAnswer] = [
    .ready, .checked(isActive: true, warnings: ["one", "zwei\nZeilen"]), .checked(isActive: false, warnings: []),
    .tookOver(configuration: 7, warnings: ["w"]), .confirmed, .restored, .refused(["why", ""]),
  ]

  @Test(arguments: requests) func `a request is read as it was written`(request: ApplyRequest) throws {
    #expect(try ApplyRequest(decoding: request.encoded) == request)
  }

  @Test(arguments: answers) func `an answer is read as it was written`(answer: ApplyAnswer) throws {
    #expect(try ApplyAnswer(decoding: answer.encoded) == answer)
  }

  @Test(arguments: requests) func `a request that is cut short or too long is refused`(request: ApplyRequest) {
    let bytes = request.encoded
    // The last field of these takes the rest.
    if case .configuration = request { return }
    if case .file = request { return }
    for count in 0..<bytes.count {
      #expect(throws: ApplyError.malformed) { try ApplyRequest(decoding: Array(bytes[..<count])) }
    }
    #expect(throws: ApplyError.malformed) { try ApplyRequest(decoding: bytes + [0]) }
  }

  @Test func `many and long reasons are cut short`() throws {
    let long = String(repeating: "ä", count: 5000)
    let answer = ApplyAnswer.refused(Array(repeating: long, count: 100))
    guard case .refused(let reasons) = try ApplyAnswer(decoding: answer.encoded) else {
      Issue.record("another answer")
      return
    }
    #expect(reasons == Array(repeating: String(repeating: "ä", count: 2048), count: 64))
  }

  @Test(arguments: [
    "", "/", "/etc/passwd", "..", "../view.pem", "tls/../../x", "./view.pem", "tls//view.pem", "tls/", "tls/.", "a\nb",
    String(repeating: "x", count: 513),
  ])
  func `a path that does not lead straight below the folder is no file`(path: String) {
    #expect(ApplyFile(path: path, contents: []) == nil)
  }

  @Test func `a proposal has limits`() throws {
    let large = [UInt8](repeating: 0, count: ApplyProposal.fileBytes)
    #expect(ApplyFile(path: "x", contents: large + [0]) == nil)
    #expect(ApplyProposal(configuration: large + [0]) == nil)
    var proposal = try #require(ApplyProposal(configuration: large))
    for name in ["1", "2", "3"] { #expect(proposal.add(try #require(ApplyFile(path: name, contents: large)))) }
    #expect(!proposal.add(try #require(ApplyFile(path: "4", contents: [0]))))
    var many = try #require(ApplyProposal(configuration: []))
    for name in 0..<ApplyProposal.fileLimit {
      #expect(many.add(try #require(ApplyFile(path: "\(name)", contents: []))))
    }
    #expect(!many.add(try #require(ApplyFile(path: "x", contents: []))))
    var same = try #require(ApplyProposal(configuration: []))
    #expect(same.add(try #require(ApplyFile(path: "x", contents: []))))
    #expect(!same.add(try #require(ApplyFile(path: "x", contents: [1]))))
  }
}
