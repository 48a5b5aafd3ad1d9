/// One server's try at answering the request, from the moment its connection is open. What is known of it ends with it, and
/// so does `Exchange.inbound`.
///
/// It is small, because Swift copies the payload of an enum for each look at it and each change: with `inbound` inside, a
/// request cost 4,900 instructions more.
public struct Attempt: BitwiseCopyable, Sendable {
  /// How the two directions depend on each other.
  public enum Mode: BitwiseCopyable, Sendable {
    /// A request, then its answer.
    case message
    /// The answer began before the request's body had ended: both flow at once.
    case stream
    /// Both directions are, or were until they ended, opaque bytes.
    case tunnel
  }

  /// What has come of an answer.
  public enum Answer: BitwiseCopyable, Equatable, Sendable {
    case none
    /// Some bytes, and so many complete 1xx heads: the request will not be sent again.
    case started(interimHeads: UInt8)
    /// The final head.
    case head(untilClose: Bool)
  }

  /// What is so or not, in one byte: of as many Booleans each would be copied by itself.
  public struct Marks: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The connection had served before, and may have been closed by the server meanwhile.
    static let reused = Marks(rawValue: 1)
    /// Something of the request may have reached the server.
    public static var requestSent: Marks { Marks(rawValue: 2) }
    /// The server takes nothing more of the request. What can be read of its answer still counts.
    public static var requestWriteClosed: Marks { Marks(rawValue: 4) }
    /// The server's connection may not carry another request.
    static let closesConnection = Marks(rawValue: 8)
  }

  var marks: Marks
  var mode: Mode
  var answer = Answer.none

  init(isReused: Bool, isOpaque: Bool) {
    marks = isReused ? .reused : []
    mode = isOpaque ? .tunnel : .message
    if isOpaque { marks.insert(.closesConnection) }
  }

  /// As many as a server that says every few seconds that it is still at work (102, RFC 2518 §10.1) sends in minutes. Each
  /// counts as activity, so that without a bound a request could be kept under way for ever.
  static let maximumInterimHeads = 100

  mutating func noteBytes() { if answer == .none { answer = .started(interimHeads: 0) } }

  /// Counts a 1xx head; false when there are too many of them.
  mutating func noteInterimHead() -> Bool {
    guard case .started(let count) = answer, count < Attempt.maximumInterimHeads else { return false }
    answer = .started(interimHeads: count + 1)
    return true
  }

  /// Forgets the answer's head, of which nothing has gone out.
  mutating func withdrawAnswer() {
    answer = .started(interimHeads: 0)
    if mode == .stream { mode = .message }
  }

  /// Some part of an answer came.
  var hasBegun: Bool {
    if case .none = answer { false } else { true }
  }

  /// Part of a final answer, or opaque bytes, may be on their way to the client.
  var hasAnswered: Bool {
    switch answer {
    case .none: false
    case .started: mode == .tunnel
    case .head: true
    }
  }
}
