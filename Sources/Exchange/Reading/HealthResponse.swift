import Balancing
import HTTP1

/// Parses a server's response to a health check incrementally.
///
/// Only the status matters, but the whole response must arrive within limits that no health check page reaches: a
/// server that sends without end is distinguished from a slow one, and its cost is bounded.
public struct HealthResponse: Sendable {
  /// Of the whole response, including heads and chunk framing. The requested page usually has a few kilobytes.
  public static let maximumBytes = 1 << 20
  /// Maximum of 1xx heads before the response. Nothing in the request calls for any.
  public static let maximumInterimHeads = 8

  /// The result of processing some bytes.
  public struct Step: Hashable, Sendable {
    /// Number of leading bytes that the caller may discard.
    public let accepted: Int
    /// Nil while more bytes are needed.
    public let verdict: CheckResult?
  }

  private let request: AnsweredRequest
  private let limits: HeadLimits
  private let limit: Int
  private let expected: [UInt16]
  private var scanner = HeadScanner()
  /// The status of the final response, once its head is complete.
  public private(set) var status: UInt16?
  private var body = BodyTracker(.none)
  private var interimHeads = 0
  /// Number of bytes accepted so far.
  private var bytes = 0

  /// `isToHead`: the request was HEAD, so no body follows. `expected`: the statuses of a healthy server. `limit`:
  /// maximum of bytes of the whole response.
  public init(
    isToHead: Bool, expected: [UInt16] = [200], limits: HeadLimits, limit: Int = HealthResponse.maximumBytes
  ) {
    self.expected = expected
    request = AnsweredRequest(isHead: isToHead)
    self.limits = limits
    self.limit = limit
  }

  /// Processes `received`: all bytes that were received and not accepted. `end` is how the stream ended after them.
  /// Must not be called again after a verdict.
  public mutating func advance(over received: Span<UInt8>, end: StreamEnd?) -> Step {
    var accepted = 0
    if status == nil {
      do throws(Failure) {
        while status == nil {
          guard let length = try takeHead(received.extracting(droppingFirst: accepted)) else {
            return step(accepted, end == nil ? nil : .failed(.closed(stage: .answer)))
          }
          accepted += length
        }
      } catch {
        return step(accepted, .failed(error.reason))
      }
    }
    let progress = body.advance(over: received.extracting(droppingFirst: accepted))
    accepted += progress.accepted
    switch progress.state {
    case .malformed: return step(accepted, .failed(.malformed))
    case .complete: return step(accepted, verdict)
    case .more:
      guard let end else { return step(accepted, nil) }
      return step(accepted, end == .closed && body.end() ? verdict : .failed(.closed(stage: .answer)))
    }
  }

  private struct Failure: Error {
    let reason: CheckFailure
  }

  /// Parses one head, interim or final, and returns its length; nil when it is incomplete.
  private mutating func takeHead(_ bytes: Span<UInt8>) throws(Failure) -> Int? {
    guard scanner.isWorthParsing(bytes, limits: limits) else { return nil }
    switch ResponseHead.parse(bytes, to: request, limits: limits) {
    case .incomplete: return nil
    case .rejected: throw Failure(reason: .malformed)
    case .head(let head):
      scanner = HeadScanner()
      if head.isInterim {
        interimHeads += 1
        guard interimHeads <= HealthResponse.maximumInterimHeads else { throw Failure(reason: .excessive) }
      } else {
        status = head.status
        body = BodyTracker(head.framing)
      }
      return head.length
    }
  }

  private mutating func step(_ accepted: Int, _ verdict: CheckResult?) -> Step {
    bytes += accepted
    return Step(accepted: accepted, verdict: bytes > limit ? .failed(.excessive) : verdict)
  }

  private var verdict: CheckResult {
    switch status {
    case let status? where expected.contains(status): .passed
    case 503: .disabled
    case let status: .failed(.status(status ?? 0))
    }
  }
}
