import Wire

/// The clients that a trace follows.
public enum TraceSubject: Hashable, Sendable {
  /// Those with an address in this block.
  case addresses(IPPrefix)
  /// Those whose requests carry this value in the session cookie.
  case cookie(String)
  /// Those that ask for this host name, in their ClientHello or in Host. In lower case.
  case name(String)

  /// The longest value of a cookie.
  public static let cookieLimit = 512

  /// From the kind of subject, as in the control protocol, and its text; nil if the text is invalid.
  public init?(kind: String, _ text: String) {
    switch kind {
    case "address":
      guard let block = try? IPPrefix(parsing: text) else { return nil }
      self = .addresses(block)
    case "cookie":
      guard 1...Self.cookieLimit ~= text.utf8.count, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
        return nil
      }
      self = .cookie(text)
    case "name":
      guard HostName.isValid(text) else { return nil }
      self = .name(text.lowercased())
    default: return nil
    }
  }

  /// `address`, `cookie` or `name`.
  public var kind: String {
    switch self {
    case .addresses: "address"
    case .cookie: "cookie"
    case .name: "name"
    }
  }

  /// The text with which it is initialised.
  public var text: String {
    switch self {
    case .addresses(let block): "\(block)"
    case .cookie(let value): value
    case .name(let name): name
    }
  }

  /// For logs and terminals: a cookie's value gives access to the session, and is left out.
  public var title: String {
    switch self {
    case .addresses(let block): block.length == block.network.bitWidth ? "\(block.network)" : "\(block)"
    case .cookie: "the client with a session cookie"
    case .name(let name): "clients of \(name)"
    }
  }

  /// How many clients it may be about, for people who decide whether that is meant.
  public var extent: String {
    switch self {
    case .addresses(let block):
      let bits = block.network.bitWidth - block.length
      return bits == 0 ? "one address" : bits <= 32 ? "\(1 << bits) addresses" : "2^\(bits) addresses"
    case .cookie: return "one session"
    case .name: return "whoever asks for this name"
    }
  }

  /// Whether it is about clients with this address.
  public func matches(_ address: IPAddress) -> Bool {
    guard case .addresses(let block) = self else { return false }
    return block.contains(address)
  }

  /// Whether it is about clients with this value of the session cookie.
  public func matches(cookie: Span<UInt8>) -> Bool {
    guard case .cookie(let value) = self else { return false }
    return value.utf8.count == cookie.count && zip(cookie.indices, value.utf8).allSatisfy { cookie[$0] == $1 }
  }

  /// Whether it is about clients that ask for this host: in any case, with or without a final dot and a port.
  public func matches(host: Span<UInt8>) -> Bool {
    guard case .name(let name) = self else { return false }
    let count = name.utf8.count
    guard host.count >= count, zip(0..<count, name.utf8).allSatisfy({ Self.lowerCase(host[$0]) == $1 }) else {
      return false
    }
    var end = count
    if end < host.count, host[end] == UInt8(ascii: ".") { end += 1 }
    return end == host.count || host[end] == UInt8(ascii: ":")
  }

  private static func lowerCase(_ byte: UInt8) -> UInt8 {
    UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
  }
}
