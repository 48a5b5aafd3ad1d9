/// Authentication that belongs to a connection instead of a request (RFC 4559 §6): after it, every request on that
/// connection is taken for the same user's.
enum ConnectionAuthentication {
  /// Whether credentials or challenges name such a scheme, as the only one or as one of a list.
  ///
  /// A quoted string that holds a comma and such a name is taken for one as well; the price is a connection that is not
  /// shared.
  static func isNamed(by value: ByteRange, of bytes: Span<UInt8>) -> Bool {
    var challenges = ListElements(of: value, in: bytes)
    while let challenge = challenges.next() {
      var end = challenge.start
      while end < challenge.end, !bytes[end].isBlank { end &+= 1 }
      if FieldName(ByteRange(start: challenge.start, end: end), of: bytes).isConnectionBoundScheme { return true }
    }
    return false
  }
}
