/// A JSON value (RFC 8259). Whole numbers of 64 bits are kept exactly; an object keeps the order of its members.
package enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// A number with a fraction or an exponent, or one that no `Int64` can hold. Always finite.
  case decimal(Double)
  case string(String)
  case array([JSON])
  /// No name is there twice.
  case object([Member])

  /// A member of an object.
  package struct Member: Hashable, Sendable {
    package let name: String
    package let value: JSON

    package init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// How deep arrays and objects may lie in each other.
  package static let depthLimit = 16

  /// Reads a text that is one value, with white space around it at most.
  package init(parsing text: Span<UInt8>) throws(JSONError) {
    var reader = JSONReader(text)
    self = try reader.readText()
  }

  /// An object; members whose value is nil are left out.
  package static func members(_ members: KeyValuePairs<String, JSON?>) -> JSON {
    .object(members.compactMap { name, value in value.map { Member(name, $0) } })
  }

  /// The value of an object's member; nil when there is none, or no object.
  package subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }
}

/// Why a text is not JSON.
package enum JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Something else was due at this byte.
  case unexpected(at: Int)
  /// The text ended inside the value.
  case truncated
  /// Deeper than `JSON.depthLimit`.
  case tooDeep
  /// An object has this name twice.
  case duplicate(String)
  /// A number that no `Double` can hold.
  case numberOutOfRange(at: Int)

  package var description: String {
    switch self {
    case .unexpected(let offset): "no JSON from byte \(offset) on"
    case .truncated: "JSON that is cut short"
    case .tooDeep: "JSON nested deeper than \(JSON.depthLimit)"
    case .duplicate(let name): "JSON with two members `\(name)` in one object"
    case .numberOutOfRange(let offset): "JSON with a number out of range at byte \(offset)"
    }
  }
}
