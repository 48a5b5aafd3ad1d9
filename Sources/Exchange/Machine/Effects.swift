import HTTP1

/// What the owner of an exchange has to do, in the order in which it is to be done.
public enum Effect: UInt8, CaseIterable, Sendable {
  /// Count a failed request against the server, and have its health checked now.
  case suspectServer
  /// Have its health checked now: a connection is slow to come.
  case hastenChecks
  /// Have it checked once: an answer is slow to come.
  case checkServer
  /// Drop what is waiting to go out to the client: the head of an answer that turned out to be wrong.
  case discardOutput
  /// Send the client what is good of an answer that broke off, as far as that needs no waiting: what is waiting to go
  /// out, then `Effects.approvedBytes` of the server's bytes.
  case passOnAnswer
  /// Make the end of the connection to the server an abort (RST).
  case resetServer
  /// Make the end of the connection to the client an abort (RST).
  case resetClient
  /// Write the line of the access log.
  case log
  /// End the connection to the server.
  case dropConnection
  /// Keep the connection to the server for another request: in the pool, or for this client if it `isPrivate`.
  case keepConnection
  /// Give the place at the server back, or leave its queue.
  case leavePlace
  /// Look for another server than this one.
  case excludeServer
  /// Choose a server and ask for a place there.
  case place
  /// Take a connection to the server chosen, or begin to make one.
  case connect
  /// Begin to make one: those that are kept may be stale as well.
  case connectAnew
  /// Write the request's head for the server.
  case sendHead
  /// Answer with the page of `Effects.status`.
  case reply
  /// Answer with the redirect.
  case redirect
  /// The client's connection is ready for its next request.
  case awaitNext
  /// Tell the client that nothing more comes, as far as that needs no waiting.
  case sayGoodbye
  /// End our direction in order, and wait for the client's end.
  case linger
  /// Close the client's connection.
  case close
}

/// Some effects and what they need to know, in two words.
public struct Effects: BitwiseCopyable, Hashable, Sendable {
  var bits: UInt32
  /// A status, or a number of bytes; no two effects that need one come together.
  var argument: UInt32

  init(bits: UInt32, argument: UInt32) {
    self.bits = bits
    self.argument = argument
  }

  public static var none: Effects { Effects(bits: 0, argument: 0) }

  init(_ first: Effect, _ second: Effect? = nil, _ third: Effect? = nil) {
    self = .none
    insert(first)
    if let second { insert(second) }
    if let third { insert(third) }
  }

  mutating func insert(_ effect: Effect) { bits |= 1 &<< UInt32(truncatingIfNeeded: effect.rawValue) }

  func contains(_ effect: Effect) -> Bool { bits & 1 &<< UInt32(truncatingIfNeeded: effect.rawValue) != 0 }

  /// Answers with a page.
  mutating func reply(_ status: Status) {
    insert(.reply)
    argument = UInt32(status.rawValue)
  }

  /// Passes on what is good of an answer.
  mutating func pass(_ approvedBytes: Int) {
    insert(.passOnAnswer)
    argument = UInt32(truncatingIfNeeded: approvedBytes)
  }

  public var isEmpty: Bool { bits == 0 }

  /// Takes the next one out.
  @inline(__always)
  public mutating func next() -> Effect? {
    guard bits != 0 else { return nil }
    let position = UInt8(truncatingIfNeeded: bits.trailingZeroBitCount)
    bits &= bits &- 1
    return Effect(rawValue: position)
  }

  /// The status of `Effect.reply`.
  public var status: Status { Status(rawValue: UInt16(truncatingIfNeeded: argument)) ?? .internalServerError }

  /// Of `Effect.passOnAnswer`: the first bytes received from the server.
  public var approvedBytes: Int { Int(argument) }
}
