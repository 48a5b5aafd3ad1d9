import Wire

extension ResponseHead {
  /// The time in the Date field of this head, which was parsed from the start of `bytes` (RFC 9110 §6.6.1); nil without
  /// one in the preferred format (§5.6.7), the only one that servers generate today.
  public func date(in bytes: Span<UInt8>) -> WallTime? {
    var lines = FieldLines(ofHead: bytes)
    let name = FieldName("date")
    while true {
      do throws(Rejection) {
        guard try lines.next(all: true) == .line else { return nil }
      } catch { return nil }
      if lines.name(in: bytes) == name { return WallTime(preferredDate: lines.value.slice(of: bytes)) }
    }
  }
}

extension WallTime {
  /// `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else.
  fileprivate init?(preferredDate text: Span<UInt8>) {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard text.count == 29 else { return nil }
    let words = String(decoding: text.indices.map { text[$0] }, as: UTF8.self).split(separator: " ")
    guard words.count == 6, words[0].utf8.last == UInt8(ascii: ","), words[5] == "GMT",
      let month = months.firstIndex(of: String(words[2]))
    else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    self.init("\(words[3])-\(number)-\(words[1])T\(words[4]).000Z")
  }
}
