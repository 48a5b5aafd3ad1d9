import Wire

/// Reads the members of a JSON object, with the faults of the control protocol.
struct Fields {
  let json: JSON

  init(_ json: JSON) throws(ControlFault) {
    guard case .object = json else { throw .malformed(.unexpected(at: 0)) }
    self.json = json
  }

  /// The object has no other members than these.
  func requireOnly(_ names: Set<String>) throws(ControlFault) {
    guard case .object(let members) = json else { return }
    for member in members where !names.contains(member.name) { throw .field(member.name) }
  }

  func string(_ name: String) throws(ControlFault) -> String {
    guard case .string(let value) = json[name] else { throw .field(name) }
    return value
  }

  func bool(_ name: String) throws(ControlFault) -> Bool {
    guard case .bool(let value) = json[name] else { throw .field(name) }
    return value
  }

  func integer(_ name: String) throws(ControlFault) -> Int64 {
    guard case .integer(let value) = json[name] else { throw .field(name) }
    return value
  }

  /// A number that counts something.
  func count(_ name: String) throws(ControlFault) -> UInt64 {
    guard case .integer(let value) = json[name], value >= 0 else { throw .field(name) }
    return UInt64(value)
  }

  /// A number with a fraction or without.
  func decimal(_ name: String) throws(ControlFault) -> Double {
    switch json[name] {
    case .decimal(let value): return value
    case .integer(let value): return Double(value)
    default: throw .field(name)
    }
  }

  func time(_ name: String) throws(ControlFault) -> WallTime {
    guard let time = WallTime(try string(name)) else { throw .field(name) }
    return time
  }

  /// A word of an enumeration.
  func word<Word: RawRepresentable<String>>(_ name: String, _: Word.Type = Word.self) throws(ControlFault) -> Word {
    guard let word = Word(rawValue: try string(name)) else { throw .field(name) }
    return word
  }

  /// Nil when the member is null.
  func optional<Value>(
    _ name: String, _ read: (Fields) throws(ControlFault) -> Value
  ) throws(ControlFault) -> Value? {
    json[name] == .null ? nil : try read(self)
  }

  /// A whole number in this range; nil when the member is null.
  func optionalInteger(_ name: String, in range: ClosedRange<Int64>) throws(ControlFault) -> Int64? {
    if json[name] == .null { return nil }
    let value = try integer(name)
    guard range.contains(value) else { throw .field(name) }
    return value
  }

  func object<Value>(
    _ name: String, _ read: (Fields) throws(ControlFault) -> Value
  ) throws(ControlFault) -> Value {
    guard let value = json[name] else { throw .field(name) }
    return try read(try Fields(value))
  }

  /// A list of objects.
  func objects<Value>(
    _ name: String, _ read: (Fields) throws(ControlFault) -> Value
  ) throws(ControlFault) -> [Value] {
    guard case .array(let elements) = json[name] else { throw .field(name) }
    var values: [Value] = []
    for element in elements { values.append(try read(try Fields(element))) }
    return values
  }

  func strings(_ name: String) throws(ControlFault) -> [String] {
    guard case .array(let elements) = json[name] else { throw .field(name) }
    var values: [String] = []
    for element in elements {
      guard case .string(let value) = element else { throw .field(name) }
      values.append(value)
    }
    return values
  }
}

extension JSON {
  /// A number that counts something.
  static func count(_ value: UInt64) -> JSON { .integer(Int64(clamping: value)) }

  static func optional<Value>(_ value: Value?, _ write: (Value) -> JSON) -> JSON { value.map(write) ?? .null }

  static func time(_ time: WallTime) -> JSON { .string(time.description) }
}
