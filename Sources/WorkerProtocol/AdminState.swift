import Wire

/// What an operator wants of a server, over what its health checks and the configuration say: all of it, not what has
/// changed.
package struct AdminState: Hashable, Sendable {
  /// Which clients it is to be given.
  package enum Mode: UInt8, Hashable, Sendable, CaseIterable {
    /// Whom its health checks allow.
    case ready = 1
    /// Known clients stay, new ones go elsewhere.
    case drain
    /// Nobody.
    case maintenance
  }

  /// The server's name in the configuration.
  package var name: String
  package var mode: Mode
  /// Its share of new clients, 0 to 256; nil: the configuration's.
  package var weight: Int?

  package init(name: String, mode: Mode, weight: Int? = nil) {
    self.name = name
    self.mode = mode
    self.weight = weight
  }
}

// Reader and writer of its fields. The weight has two bytes, of which all ones stand for the configuration's.

private let configuredWeight = UInt16.max
private let largestWeight: UInt16 = 256

extension AdminState: MessageField {
  func append(to writer: inout ByteWriter) {
    let weight = weight.map { UInt16(clamping: $0) } ?? configuredWeight
    writer.append(fields: Text(name, MessageLimit.name), mode.rawValue, weight)
  }
}

extension FieldReader {
  mutating func adminState() throws(MessageError) -> AdminState {
    let name = try text("server name", limit: MessageLimit.name)
    guard let mode = AdminState.Mode(rawValue: try uint8()) else { throw .invalidField("mode") }
    let weight = try uint16()
    guard weight <= largestWeight || weight == configuredWeight else { throw .invalidField("weight") }
    return AdminState(name: name, mode: mode, weight: weight == configuredWeight ? nil : Int(weight))
  }
}
