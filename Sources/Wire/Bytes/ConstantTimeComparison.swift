extension [UInt8] {
  /// Whether both have the same bytes, in a time that does not depend on the position of the first difference: for
  /// digests, which a peer could otherwise guess byte by byte.
  public func isEqualInConstantTime(to other: [UInt8]) -> Bool {
    var difference = UInt8(count == other.count ? 0 : 1)
    for (one, another) in zip(self, other) { difference |= one ^ another }
    return difference == 0
  }
}
