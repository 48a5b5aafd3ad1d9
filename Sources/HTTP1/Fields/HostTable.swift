import Wire

/// Host names, each with a number, looked up as in a Host field: in any case, with or without a port and a final dot.
/// Binary search, so that thousands of names cost a dozen comparisons.
public struct HostTable: Sendable {
  /// All names concatenated, in lower case, sorted by octets.
  private let octets: [UInt8]
  /// The start of each name, and the end of the last.
  private let starts: [Int]
  private let numbers: [Int]

  /// IPv6 addresses are in brackets. For a duplicate name the first number is used.
  public init(_ names: [(name: String, number: Int)]) {
    let known = Dictionary(names.map { (Array($0.name.lowercased().utf8), $0.number) }) { first, _ in first }
    let sorted = known.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    octets = sorted.flatMap(\.key)
    starts = sorted.reduce(into: [0]) { starts, name in starts.append((starts.last ?? 0) + name.key.count) }
    numbers = sorted.map(\.value)
  }

  /// The number of the name in `host`, a valid Host value.
  public func number(ofHost host: Span<UInt8>) -> Int? {
    guard let authority = Authority(host) else { return nil }
    return number(of: authority.host.slice(of: host))
  }

  /// The number of a name without a port.
  public func number(of fullName: Span<UInt8>) -> Int? {
    let name = fullName.withoutFinalDot
    var (low, high) = (0, numbers.count)
    while low < high {
      let middle = (low &+ high) / 2
      let order = name.compared(to: octets.span.extracting(starts[middle]..<starts[middle &+ 1]))
      if order == 0 { return numbers[middle] }
      if order < 0 { high = middle } else { low = middle &+ 1 }
    }
    return nil
  }
}

extension Span<UInt8> {
  /// Without the final dot of the DNS root, which does not change the name.
  var withoutFinalDot: Span<UInt8> {
    @_lifetime(copy self)
    get { count > 1 && self[count &- 1] == UInt8(ascii: ".") ? extracting(droppingLast: 1) : self }
  }

  /// Negative, zero or positive as this text, in lower case, is less than, equal to or greater than `other`.
  fileprivate func compared(to other: Span<UInt8>) -> Int {
    for index in 0..<Swift.min(count, other.count) {
      let difference = Int(self[index].lowerCased) &- Int(other[index])
      if difference != 0 { return difference }
    }
    return count &- other.count
  }
}
