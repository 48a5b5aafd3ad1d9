/// Authentication of a connection instead of a request (RFC 4559 §6): afterwards every request on that connection is
/// attributed to the same user.
enum ConnectionAuthentication {
  /// Whether credentials or challenges contain such a scheme, alone or in a list.
  ///
  /// A quoted string with a comma and such a name also matches; the only effect is that the connection is not shared.
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
