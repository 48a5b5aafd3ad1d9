import Wire

extension RequestHead {
  /// Elements of X-Forwarded-For that are looked at: nobody has so many proxies in a row.
  public static var forwardingHops: Int { 32 }

  /// Whom a trusted proxy sends this request for: the last address in X-Forwarded-For that is none of `proxies`, several
  /// field lines being one list. The search goes from the right, where those have written who are trusted. It ends at the
  /// beginning of the list, and at an element that is no address (`unknown`, `_hidden`, anything else): then it is the
  /// last one understood. Nil when none was: the peer itself. The port is 0 where the list has none.
  ///
  /// `bytes` are those the head was parsed from.
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
  /// Where what follows the last `byte` begins; 0 when there is none.
  fileprivate func endOfLast(_ byte: UInt8) -> Int {
    var index = count
    while index > 0, self[index &- 1] != byte { index &-= 1 }
    return index
  }
}
