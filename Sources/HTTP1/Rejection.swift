/// Why a message is refused. One case per reason that a person would want to tell apart in a log.
package enum Rejection: UInt8, Error, BitwiseCopyable, Hashable, CaseIterable, Sendable {
  case requestLineMalformed

  /// The status to answer a refused request with. A refused answer of a server is a 502 whatever the reason.
  package var status: Status { .badRequest }
  /// A few words for the log; ASCII.
  package var reason: StaticString { "request line is malformed" }
}
