import Properties
import Simulation
import Testing

/// Well-formed and nearly well-formed inputs, mutated at random from a seed.
struct MutationTests {
  /// Number of mutations of each seed; `make fuzz` runs libFuzzer for minutes.
  static let rounds = 200

  static let requests = [
    "GET /portal/?a=b HTTP/1.1\r\nHost: view.domain.local\r\nConnection: keep-alive\r\nCookie: a=b; c=d\r\n\r\n",
    "POST /broker/xml HTTP/1.1\r\nHost: a:443\r\nContent-Type: text/xml\r\nContent-Length: 117\r\n\r\n",
    "POST /ice/tunnel?x HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\nTransfer-Encoding: chunked\r\n\r\n54\r\n",
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nTE: trailers\r\n\r\n",
    "\r\nPOST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length:  5 \r\nExpect: 100-continue\r\n\r\n",
    "PUT http://a/x HTTP/1.1\r\nHost: A\r\nExpect: 100-continue\r\ntransfer-encoding: CHUNKED \r\nX-Y: z\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\nX-Forwarded-For: x\r\nX-Forwarded-Proto: http\r\n\r\n",
    "DELETE / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nConnection: close, x-one\r\nProxy-Authorization: x\r\nA:\r\n\r\n",
  ]

  static let responses = [
    "\u{0}HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello",
    "\u{0}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive\r\n\r\n",
    "\u{4}HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
    "\u{2}HTTP/1.0 404 Not Found\r\nConnection: close, x-a\r\nX-A: b\r\n\r\n",
    "\u{1}HTTP/1.1 401\r\nWWW-Authenticate: Negotiate, NTLM\r\nTransfer-Encoding: Chunked\r\n\r\n",
    "\u{0}HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nUpgrade: h2c\r\n\r\n",
    "\u{0}HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
  ]

  static let bodies = [
    "\u{1}5\r\nhello\r\n0\r\n\r\n", "\u{2}a;b=c;d=\"e\\\"f\"\r\n0123456789\r\n00\r\nX-Sum: 1\r\nETag: x\r\n\r\n",
    "\u{3}1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n0\r\n\r\nGET /",
  ]

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `the properties hold for any request head`(seed: UInt64) {
    check(Self.requests, seed: seed, RequestHeadProperties.check)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `the properties hold for any response head`(seed: UInt64) {
    check(Self.responses, seed: seed, ResponseHeadProperties.check)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `the properties hold for any chunked body`(seed: UInt64) {
    check(Self.bodies, seed: seed, ChunkedBodyProperties.check)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `the properties hold for any answer to a health check`(seed: UInt64) {
    let answers = ["\u{2}" + Self.responses[6].dropFirst() + Self.responses[1].dropFirst() + Self.bodies[0].dropFirst()]
    check(Self.responses + answers, seed: seed, HealthResponseProperties.check)
  }

  private func check(_ seeds: [String], seed: UInt64, _ property: ([UInt8]) throws(Violation) -> Void) {
    var mutator = Mutator(seed: seed)
    for (index, start) in seeds.enumerated() {
      for round in 0..<Self.rounds {
        var input = bytes(start)
        if round > 0 { mutator.mutate(&input, with: bytes(seeds[round % seeds.count])) }
        do throws(Violation) {
          try property(input)
        } catch {
          Issue.record("seed \(seed), start \(index), round \(round): \(error)\n\(text(input).debugDescription)")
          return
        }
      }
    }
  }
}

/// Changes bytes as attackers do: in single places, and by moving pieces.
private struct Mutator {
  /// The bytes that are most likely to be ambiguous.
  private static let pieces = [
    "\r", "\n", "\r\n", "\r\n\r\n", "\u{0}", " ", "\t", ":", ";", ",", "=", "\"", "\\", "0", "5", "-", "_", "#", "*",
    "/",
    "chunked", "close", "upgrade", "x-one", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: b\r\n",
    "Connection: close\r\n", "Upgrade: websocket\r\n", "X-Forwarded-For: 1\r\n", "Expect: 100-continue\r\n",
    "HTTP/1.0", "HTTP/1.1", "http://a", "GET ", "POST ", "0\r\n\r\n",
  ]

  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func mutate(_ input: inout [UInt8], with other: [UInt8]) {
    for _ in 0...Int.random(in: 0...3, using: &generator) {
      let place = Int.random(in: 0...input.count, using: &generator)
      let end = min(input.count, place + Int.random(in: 0...12, using: &generator))
      switch Int.random(in: 0..<6, using: &generator) {
      case 0 where place < input.count: input[place] = UInt8.random(in: .min ... .max, using: &generator)
      case 1: input.removeSubrange(place..<end)
      case 2: input.insert(contentsOf: input[place..<end], at: Int.random(in: 0...input.count, using: &generator))
      case 3:
        let start = Int.random(in: 0...other.count, using: &generator)
        input.insert(contentsOf: other[start..<min(other.count, start + 20)], at: place)
      default:
        let piece = Self.pieces[Int.random(in: 0..<Self.pieces.count, using: &generator)]
        input.insert(contentsOf: Array(piece.utf8), at: place)
      }
    }
  }
}
