import Balancing
import HTTP1

/// A server's answer to a health check while it comes: bytes in, verdict out.
///
/// Only the status counts, but all of the answer has to come, within bounds that no page of a health check meets: a
/// server that sends without end is told apart from one that is slow, and costs no more than these.
public struct HealthAnswer: Sendable {
  /// Of the whole answer, heads and chunk framing included. The page that is asked for usually has a few kilobytes.
  public static let maximumBytes = 1 << 20
  /// 1xx heads in front of the answer. Nothing was asked that needs any.
  public static let maximumInterimHeads = 8

  /// What looking at some bytes came to.
  public struct Step: Hashable, Sendable {
    /// How many leading bytes need not be kept.
    public let accepted: Int
    /// Nil while there is more to come.
    public let verdict: CheckResult?
  }

  private let request: AnsweredRequest
  private let limits: HeadLimits
  private let limit: Int
  private let expected: [UInt16]
  private var scanner = HeadScanner()
  /// The final answer's, once its head is complete.
  public private(set) var status: UInt16?
  private var body = BodyTracker(.none)
  private var interimHeads = 0
  /// Accepted so far.
  private var bytes = 0

  /// `isToHead`: HEAD was asked, so that no body follows. `expected`: statuses of a server that takes clients. `limit` is of
  /// the bytes of the whole answer.
  public init(
    isToHead: Bool, expected: [UInt16] = [200], limits: HeadLimits, limit: Int = HealthAnswer.maximumBytes
  ) {
    self.expected = expected
    request = AnsweredRequest(isHead: isToHead)
    self.limits = limits
    self.limit = limit
  }

  /// Looks at `received`, which is everything that came and was not accepted. `end` is how the stream ended behind it.
  /// Nothing more is to be asked after a verdict.
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

  /// Takes one head, interim or final, and answers with its length; nil when it is not complete.
  private mutating func takeHead(_ bytes: Span<UInt8>) throws(Failure) -> Int? {
    guard scanner.isWorthParsing(bytes, limits: limits) else { return nil }
    switch ResponseHead.parse(bytes, to: request, limits: limits) {
    case .incomplete: return nil
    case .rejected: throw Failure(reason: .malformed)
    case .head(let head):
      scanner = HeadScanner()
      if head.isInterim {
        interimHeads += 1
        guard interimHeads <= HealthAnswer.maximumInterimHeads else { throw Failure(reason: .excessive) }
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
