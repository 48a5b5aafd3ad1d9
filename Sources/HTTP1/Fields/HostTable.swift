import Wire

/// Host names, each with a number, found as a Host field writes them: in any case, with or without a port and a final dot.
/// They are searched by halves, so that thousands of names cost a dozen comparisons.
public struct HostTable: Sendable {
  /// The names one behind the other, in lower case, in the order of their octets.
  private let octets: [UInt8]
  /// Where each name begins, and where the last one ends.
  private let starts: [Int]
  private let numbers: [Int]

  /// An IPv6 address is in brackets. Of a name that is given twice the first number counts.
  public init(_ names: [(name: String, number: Int)]) {
    let known = Dictionary(names.map { (Array($0.name.lowercased().utf8), $0.number) }) { first, _ in first }
    let sorted = known.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    octets = sorted.flatMap(\.key)
    starts = sorted.reduce(into: [0]) { starts, name in starts.append((starts.last ?? 0) + name.key.count) }
    numbers = sorted.map(\.value)
  }

  /// The number of the name in `host`, the value of a Host field that was read well.
  public func number(ofHost host: Span<UInt8>) -> Int? {
    guard let authority = Authority(host) else { return nil }
    return number(of: authority.host.slice(of: host).withoutFinalDot)
  }

  func number(of name: Span<UInt8>) -> Int? {
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
  /// A name from the root of DNS is the same name.
  var withoutFinalDot: Span<UInt8> {
    @_lifetime(copy self)
    get { count > 1 && self[count &- 1] == UInt8(ascii: ".") ? extracting(droppingLast: 1) : self }
  }

  /// Below 0, 0 or above 0 as this, in lower case, comes before `other`, is the same or comes behind it.
  fileprivate func compared(to other: Span<UInt8>) -> Int {
    for index in 0..<Swift.min(count, other.count) {
      let difference = Int(self[index].lowerCased) &- Int(other[index])
      if difference != 0 { return difference }
    }
    return count &- other.count
  }
}
