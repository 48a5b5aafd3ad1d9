/// The reference parser for heads, slow and simple: split at CRLF, then at the first colon.
struct ReferenceHead: Equatable {
  struct Field: Equatable {
    /// In lower case.
    let name: String
    /// Without the white space around it.
    let value: [UInt8]

    var text: String { String(decoding: value, as: UTF8.self).lowercased() }

    /// The elements of the value as a list, without empty ones.
    var elements: [String] {
      text.split(separator: ",").map { element in
        let trimmed = element.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }
        return String(trimmed.reversed())
      }
    }
  }

  let firstLine: [UInt8]
  let fields: [Field]
  /// Bytes up to the end of the empty line.
  let length: Int

  /// Nil when the bytes do not begin with a well-formed head.
  init?(_ bytes: ArraySlice<UInt8>) {
    var lines: [ArraySlice<UInt8>] = []
    var start = bytes.startIndex
    while true {
      guard let end = bytes[start...].indices.first(where: { Self.isLineEnd(bytes, at: $0) }) else { return nil }
      let line = bytes[start..<end]
      guard line.allSatisfy({ $0 == 9 || $0 >= 32 && $0 != 127 }) else { return nil }
      start = end + 2
      if line.isEmpty { break }
      lines.append(line)
    }
    guard let first = lines.first else { return nil }
    firstLine = Array(first)
    length = start - bytes.startIndex
    var fields: [Field] = []
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
      let name = line[..<colon]
      guard !name.isEmpty, name.allSatisfy(Self.isTokenCharacter) else { return nil }
      let value = line[(colon + 1)...].drop { $0 == 32 || $0 == 9 }.reversed().drop { $0 == 32 || $0 == 9 }
      fields.append(Field(name: String(decoding: name, as: UTF8.self).lowercased(), value: value.reversed()))
    }
    self.fields = fields
  }

  func all(_ name: String) -> [Field] { fields.filter { $0.name == name } }

  /// Options of all Connection fields, in lower case.
  var connectionOptions: [String] { all("connection").flatMap(\.elements) }

  private static func isLineEnd(_ bytes: ArraySlice<UInt8>, at index: Int) -> Bool {
    bytes[index] == 13 && index + 1 < bytes.endIndex && bytes[index + 1] == 10
  }

  private static func isTokenCharacter(_ octet: UInt8) -> Bool {
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8.contains(octet)
  }
}
