import Balancing
import Exchange
import HTTP1

/// Properties of any bytes that a server sends as the answer to a health check.
package enum HealthResponseProperties {
  /// Small enough for inputs of the fuzzer's length to exceed it.
  private static let limit = 2_048

  /// The first byte selects the request, the end of the stream, and the split of the rest into reads.
  package static func check(_ input: [UInt8]) throws(Violation) {
    guard let choice = input.first else { return }
    let bytes = Array(input.dropFirst())
    let isToHead = choice & 1 != 0
    let end: StreamEnd? = choice & 2 == 0 ? nil : choice & 4 == 0 ? .closed : .cut
    let whole = try verdict(on: bytes, isToHead: isToHead, end: end, cut: nil)
    let pieces = try verdict(on: bytes, isToHead: isToHead, end: end, cut: choice)
    try require(
      spoken(whole) == spoken(pieces),
      "whole \(String(describing: whole)), in pieces \(String(describing: pieces))")
    if end != nil { try require(whole != nil && pieces != nil, "no verdict on an answer that has ended") }
    if case .failed(.timeout)? = whole { throw Violation("a time-out without a clock") }
    let expected = try ReferenceAnswer(bytes, isToHead: isToHead, end: end)
    if let status = spoken(whole) { try require(expected.status == status, "\(status), not \(expected)") }
    if expected.isWithin(limit) {
      try require(spoken(whole) == expected.status, "\(String(describing: whole)), not \(expected)")
    }
    try checkEndless(bytes, isToHead: isToHead)
  }

  private static func verdict(
    on bytes: [UInt8], isToHead: Bool, end: StreamEnd?, cut seed: UInt8?
  ) throws(Violation) -> CheckResult? {
    var answer = HealthResponse(isToHead: isToHead, limits: HeadProperties.limits, limit: limit)
    var (start, received) = (0, 0)
    var size = seed.map { Int($0) + 1 } ?? bytes.count
    repeat {
      if seed != nil { size = (size * 7 + 3) % 23 + 1 }
      received = min(received + size, bytes.count)
      let isLast = received == bytes.count
      let step = answer.advance(over: bytes.span.extracting(start..<received), end: isLast ? end : nil)
      try require(step.accepted <= received - start, "accepted more than was offered")
      start += step.accepted
      if let verdict = step.verdict { return verdict }
      try require(start <= limit, "\(start) bytes and no verdict")
      try require(received - start < HeadProperties.limits.bytes, "\(received - start) bytes kept")
    } while received < bytes.count
    return nil
  }

  /// The input repeated, as from a server that sends without end: there is a verdict within a bound.
  private static func checkEndless(_ bytes: [UInt8], isToHead: Bool) throws(Violation) {
    guard !bytes.isEmpty else { return }
    var answer = HealthResponse(isToHead: isToHead, limits: HeadProperties.limits, limit: limit)
    var kept: [UInt8] = []
    var offered = 0
    while true {
      kept += bytes
      offered += bytes.count
      let step = answer.advance(over: kept.span, end: nil)
      if step.verdict != nil { return }
      kept.removeFirst(step.accepted)
      // A head without an end is refused at the maximum length.
      let most = limit + HeadProperties.limits.bytes + bytes.count
      try require(offered <= most, "no verdict on \(offered) bytes")
    }
  }

  /// The parsed status, nil for an invalid answer.
  private static func spoken(_ result: CheckResult?) -> UInt16? {
    switch result {
    case .passed: 200
    case .disabled: 503
    case .failed(.status(let status)): status
    case .failed, .inconclusive, nil: nil
    }
  }
}

/// The reference parser: an answer parsed slowly and simply.
private struct ReferenceAnswer {
  /// The status of a complete answer.
  private(set) var status: UInt16?
  private var interimHeads = 0
  private let bytes: Int

  init(_ input: [UInt8], isToHead: Bool, end: StreamEnd?) throws(Violation) {
    bytes = input.count
    var rest = input[...]
    let request = AnsweredRequest(isHead: isToHead)
    while true {
      let array = Array(rest)
      guard case .head(let head) = ResponseHead.parse(array.span, to: request, limits: HeadProperties.limits) else {
        return
      }
      rest = rest.dropFirst(head.length)
      if head.isInterim {
        interimHeads += 1
        continue
      }
      let isWhole =
        switch head.framing {
        case .none: true
        case .length(let length): UInt64(rest.count) >= length
        case .untilClose: end == .closed
        case .chunked: try ReferenceChunks.isWhole(rest)
        }
      if isWhole { status = head.status }
      return
    }
  }

  func isWithin(_ limit: Int) -> Bool { bytes <= limit && interimHeads <= HealthResponse.maximumInterimHeads }
}
