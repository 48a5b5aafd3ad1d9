import HTTP1

/// A request, as far as the answer depends on it.
package struct ObserverRequest: Hashable, Sendable {
  /// Without the query.
  package var path: String
  /// Whether only the head of the answer is sent.
  package var isHead = false
  /// The value of Accept; empty without one.
  package var accept = ""
  /// The value of Authorization; nil without one.
  package var authorization: String?

  package init(path: String) { self.path = path }

  /// `bytes`: those that the head was parsed from.
  init(_ head: RequestHead, of bytes: [UInt8]) {
    func text(_ range: ByteRange) -> String { String(decoding: bytes[range.start..<range.end], as: UTF8.self) }
    path = head.path.isEmpty ? "/" : text(head.path)
    isHead = head.method == .head
    // A parsed head has only complete lines, each with a name and a colon.
    for line in bytes[..<head.length].split(separator: UInt8(ascii: "\n")).dropFirst() {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      let value = String(decoding: line[(colon + 1)...], as: UTF8.self).trimmed
      switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
      case "accept": accept += accept.isEmpty ? value : ", " + value
      case "authorization": authorization = value
      default: break
      }
    }
  }
}

extension String {
  /// Without white space at both ends.
  var trimmed: String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    var rest = self[...].drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest.removeLast() }
    return String(rest)
  }
}
