import HTTP1

/// An action that the owner of an exchange must perform, in order of execution.
public enum Effect: UInt8, CaseIterable, Sendable {
  /// Count a failed request for the server, and check its health now.
  case suspectServer
  /// Check the server's health now: the connection is slow to be established.
  case hastenChecks
  /// Check the server's health once: the response is slow.
  case checkServer
  /// Discard the output for the client: the head of a response that turned out to be invalid.
  case discardOutput
  /// Send the client the valid part of an incomplete response, as far as possible without blocking: the pending output,
  /// then `Effects.approvedBytes` of the server's bytes.
  case passOnResponse
  /// Close the server's connection with RST.
  case resetServer
  /// Close the client's connection with RST.
  case resetClient
  /// Write the access log line.
  case log
  /// Close the server's connection.
  case dropConnection
  /// Keep the server's connection for another request: in the pool, or for this client if it `isPrivate`.
  /// A refused request keeps that of an earlier one.
  case keepConnection
  /// Release the slot at the server, or leave its queue.
  case releaseSlot
  /// Exclude this server from the next choice.
  case excludeServer
  /// Choose a server and request a slot there.
  case place
  /// Take a kept or pooled connection to the chosen server, or open a new one.
  case connect
  /// Open a new connection: the pooled ones may be stale as well.
  case connectAnew
  /// Write the request's head for the server.
  case sendHead
  /// Respond with the error page of `Effects.status`.
  case reply
  /// Respond with the redirect.
  case redirect
  /// Remove the request from the buffer, and keep the client's connection for its next one.
  case awaitNext
  /// Send the client the end of our direction (close_notify, FIN), as far as possible without blocking.
  case sendEnd
  /// End our direction in order and wait for the client to end its own.
  case linger
  /// Close the client's connection.
  case close
}

/// A set of effects and their argument, in two words.
public struct Effects: BitwiseCopyable, Hashable, Sendable {
  var bits: UInt32
  /// A status, or a number of bytes; two effects that need an argument never occur together.
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

  mutating func remove(_ effect: Effect) { bits &= ~(1 &<< UInt32(truncatingIfNeeded: effect.rawValue)) }

  func contains(_ effect: Effect) -> Bool { bits & 1 &<< UInt32(truncatingIfNeeded: effect.rawValue) != 0 }

  /// Adds the response with an error page.
  mutating func reply(_ status: Status) {
    insert(.reply)
    argument = UInt32(status.rawValue)
  }

  /// Adds forwarding the valid part of an incomplete response.
  mutating func pass(_ approvedBytes: Int) {
    insert(.passOnResponse)
    argument = UInt32(truncatingIfNeeded: approvedBytes)
  }

  public var isEmpty: Bool { bits == 0 }

  /// Removes and returns the next effect.
  @inline(__always)
  public mutating func next() -> Effect? {
    guard bits != 0 else { return nil }
    let position = UInt8(truncatingIfNeeded: bits.trailingZeroBitCount)
    bits &= bits &- 1
    return Effect(rawValue: position)
  }

  /// The status of `Effect.reply`.
  public var status: Status { Status(rawValue: UInt16(truncatingIfNeeded: argument)) ?? .internalServerError }

  /// The argument of `Effect.passOnResponse`: the number of leading bytes received from the server.
  public var approvedBytes: Int { Int(argument) }
}
