/// The state of a request at one server, from the moment the connection is established. It is discarded, together with
/// `Exchange.inbound`, when the attempt ends.
///
/// It is small because Swift copies an enum's payload on each access and each change: with `inbound` inside, a request
/// cost 4,900 more instructions.
public struct Attempt: BitwiseCopyable, Sendable {
  /// How the two directions depend on each other.
  public enum Mode: BitwiseCopyable, Sendable {
    /// A request, then its response.
    case message
    /// The response began before the end of the request body: both are relayed at the same time.
    case stream
    /// Both directions carry, or carried until they ended, opaque bytes.
    case tunnel
  }

  /// How much of a response has been received.
  public enum Response: BitwiseCopyable, Equatable, Sendable {
    case none
    /// Some bytes, and this many complete 1xx heads. The request will not be sent again.
    case started(interimHeads: UInt8)
    /// The head of the final response.
    case head(untilClose: Bool)
  }

  /// Flags in one byte: separate Booleans would each be copied separately.
  public struct Marks: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The connection has carried a request before; the server may have closed it since.
    static let reused = Marks(rawValue: 1)
    /// Part of the request may have reached the server.
    public static var requestSent: Marks { Marks(rawValue: 2) }
    /// The server accepts no more of the request. The rest of its response is still read.
    public static var requestWriteClosed: Marks { Marks(rawValue: 4) }
    /// The server's connection must not be reused.
    static let closesConnection = Marks(rawValue: 8)
  }

  var marks: Marks
  var mode: Mode
  var response = Response.none

  init(isReused: Bool, isOpaque: Bool) {
    marks = isReused ? .reused : []
    mode = isOpaque ? .tunnel : .message
    if isOpaque { marks.insert(.closesConnection) }
  }

  /// As many as a server sends in minutes that reports every few seconds that it is still working (102, RFC 2518
  /// §10.1). Each counts as activity, so without a limit a request could last forever.
  static let maximumInterimHeads = 100

  mutating func noteBytes() { if response == .none { response = .started(interimHeads: 0) } }

  /// Counts a 1xx head; false when the limit is exceeded.
  mutating func noteInterimHead() -> Bool {
    guard case .started(let count) = response, count < Attempt.maximumInterimHeads else { return false }
    response = .started(interimHeads: count + 1)
    return true
  }

  /// Whether part of a response has been received.
  var hasBegun: Bool {
    if case .none = response { false } else { true }
  }

  /// Whether part of a final response, or opaque bytes, may have been sent to the client.
  var hasResponded: Bool {
    switch response {
    case .none: false
    case .started: mode == .tunnel
    case .head: true
    }
  }
}
