/// What parsing remembers for `RequestHead.render`.
package struct RequestRewriting: BitwiseCopyable, Sendable {
  package internal(set) var edits = LineEdits()
  /// Where the request line begins, behind an ignored empty line.
  package internal(set) var start: UInt16 = 0
  /// The end of the last X-Forwarded-For line, 0 without one.
  package internal(set) var forwardedForEnd: UInt16 = 0
  package internal(set) var hasForwardedProto = false
  package internal(set) var hasForwardedHost = false

  init() {}
}
