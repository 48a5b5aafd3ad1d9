/// An address and a TCP port, written `192.0.2.1:443` or `[2001:db8::1]:443` (RFC 3986 §3.2.2, RFC 5952 §6).
public struct Endpoint: Hashable, Sendable {
  public var address: IPAddress
  public var port: UInt16

  public init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// The same from a string.
  public init(parsing text: String, defaultPort: UInt16? = nil) throws(AddressTextError) {
    try self.init(parsing: text.utf8Span.span, defaultPort: defaultPort)
  }

  /// Parses an endpoint. With a default port, a bare address and a bracketed one without a port are valid; an IPv6
  /// address with a port requires brackets.
  public init(parsing text: Span<UInt8>, defaultPort: UInt16? = nil) throws(AddressTextError) {
    var end = text.count
    if text.count > 0, text[0] == UInt8(ascii: "[") {
      end = 1
      while end < text.count, text[end] != UInt8(ascii: "]") { end += 1 }
      guard end < text.count else { throw .notAnAddress }
      address = try IPAddress(parsing: text.extracting(1..<end))
      guard address.family == .v6 || text.extracting(1..<end).contains(UInt8(ascii: ":")) else { throw .notAnAddress }
      end += 1
    } else {
      let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
      let severalColons = colon < text.count && text.extracting(colon + 1..<text.count).contains(UInt8(ascii: ":"))
      if !severalColons { end = colon }
      address = try IPAddress(parsing: text.extracting(0..<end))
    }
    if end == text.count {
      guard let defaultPort else { throw .portMissing }
      port = defaultPort
      return
    }
    guard text[end] == UInt8(ascii: ":"),
      let number = parseDecimal(text.extracting(end + 1..<text.count), maximum: 65535), number > 0
    else { throw .port }
    port = UInt16(number)
  }

  /// Appends the text without allocating; at most 47 bytes.
  public func write(into sink: inout some ByteSink & ~Copyable) {
    if address.family == .v6 { sink.append(UInt8(ascii: "[")) }
    address.write(into: &sink)
    if address.family == .v6 { sink.append(UInt8(ascii: "]")) }
    sink.append(UInt8(ascii: ":"))
    sink.append(decimal: UInt64(port))
  }

  /// The longest text: an address in brackets, a colon and five digits.
  public static let maximumTextBytes = IPAddress.maximumTextBytes + 8
}

extension Endpoint: Codable {
  /// Decodes the description.
  public init(from decoder: any Decoder) throws { try self.init(parsing: String(from: decoder)) }

  /// Encodes the description.
  public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

extension Endpoint: CustomStringConvertible {
  public var description: String {
    var text = ByteWriter(limit: Endpoint.maximumTextBytes)
    write(into: &text)
    return String(decoding: text.bytes, as: UTF8.self)
  }
}
