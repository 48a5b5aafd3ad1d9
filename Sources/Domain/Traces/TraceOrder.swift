import Wire

/// One trace, as the supervisor orders it from the worker.
public struct TraceOrder: Hashable, Sendable {
  /// The most traces at once: each costs every event of a client a comparison.
  public static let limit = 4
  /// The longest trace in seconds.
  public static let longest: UInt64 = 600

  /// Counted from 1 by the supervisor.
  public var number: UInt32
  public var subject: TraceSubject
  /// Whether the TLS secrets of these clients' connections are reported.
  public var hasSecrets: Bool
  /// How long the trace lasts from now on.
  public var duration: Interval

  public init(number: UInt32, subject: TraceSubject, hasSecrets: Bool, duration: Interval) {
    self.number = number
    self.subject = subject
    self.hasSecrets = hasSecrets
    self.duration = duration
  }
}

/// Which traces follow a connection, and which its present request: by the slots that the traces have in the
/// connection's loop. A mark counts only for the trace that set it.
public struct TraceMarks: Sendable {
  private var connection = SIMD4<UInt16>()
  private var request = SIMD4<UInt16>()

  public init() {}

  /// Marks the connection; false if it was marked before.
  public mutating func follow(_ number: UInt32, slot: Int) -> Bool { Self.mark(&connection, number, slot) }

  /// The same for the present request.
  public mutating func followRequest(_ number: UInt32, slot: Int) { _ = Self.mark(&request, number, slot) }

  /// Another request begins: it has the connection's marks.
  public mutating func beginRequest() { request = connection }

  /// Whether the trace follows the connection or its present request.
  public func follows(_ number: UInt32, slot: Int) -> Bool {
    connection[slot] == Self.mark(of: number) || request[slot] == Self.mark(of: number)
  }

  private static func mark(_ marks: inout SIMD4<UInt16>, _ number: UInt32, _ slot: Int) -> Bool {
    guard marks[slot] != mark(of: number) else { return false }
    marks[slot] = mark(of: number)
    return true
  }

  /// Not 0, which no trace has. A number comes again after 65,535 traces.
  private static func mark(of number: UInt32) -> UInt16 { UInt16(truncatingIfNeeded: number % 65_535 + 1) }
}
