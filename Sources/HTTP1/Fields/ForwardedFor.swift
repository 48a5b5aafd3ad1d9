import Wire

extension RequestHead {
  /// The most elements of X-Forwarded-For that are evaluated: more than any real chain of proxies.
  public static var forwardingHops: Int { 32 }

  /// The client that a trusted proxy sends this request for: the last address in X-Forwarded-For that is not in
  /// `proxies`; several field lines are one list. The list is searched from the right, where trusted proxies append.
  /// The search ends at the start of the list, or at an element that is not an address (`unknown`, `_hidden` or
  /// anything else); the result is then the last address found. Nil when there was none: the client is the peer itself.
  /// The port is 0 when the list has none.
  ///
  /// `bytes` must be those that the head was parsed from.
  public func forwardedClient(in bytes: Span<UInt8>, by proxies: [IPPrefix]) -> Endpoint? {
    var client: Endpoint?
    var hops = Self.forwardingHops
    var index = forwardedForEnd > 0 ? edits.count : 0
    while index > 0 {
      index &-= 1
      guard edits[index].treatment == .clientAddress else { continue }
      // Whole field lines, each with its CRLF.
      var lines = edits[index].range.slice(of: bytes)
      while !lines.isEmpty {
        var list = lines.extracting(droppingLast: 2)
        let start = list.endOfLast(UInt8(ascii: "\n"))
        list = list.extracting(droppingFirst: start &+ Self.forwardedForName.utf8CodeUnitCount)
        lines = lines.extracting(first: start)
        while !list.isEmpty {
          let start = list.endOfLast(UInt8(ascii: ","))
          let element = list.withoutBlanks(from: start, to: list.count).slice(of: list)
          list = list.extracting(first: max(0, start &- 1))
          hops &-= 1
          // RFC 9110 §5.6.1.2: empty elements are ignored.
          guard hops >= 0 else { return client }
          if element.isEmpty { continue }
          guard let hop = try? Endpoint(parsing: element, defaultPort: 0) else { return client }
          client = hop
          guard proxies.contains(where: { $0.contains(hop.address) }) else { return client }
        }
      }
    }
    return client
  }

  private static var forwardedForName: StaticString { "X-Forwarded-For:" }
}

extension Span<UInt8> {
  /// The index after the last `byte`; 0 when there is none.
  fileprivate func endOfLast(_ byte: UInt8) -> Int {
    var index = count
    while index > 0, self[index &- 1] != byte { index &-= 1 }
    return index
  }
}
