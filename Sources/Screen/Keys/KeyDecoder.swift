/// A key of the terminal.
package enum Key: Hashable, Sendable {
  case up, down, pageUp, pageDown, start, end
  /// Any other key, as its byte.
  case character(UInt8)
}

/// Turns the bytes that a terminal sends into keys. Keys with a sequence of bytes that has no meaning here are dropped.
package struct KeyDecoder {
  private enum State {
    case ground
    /// After ESC.
    case escape
    /// After `ESC O` (SS3), as keypads in application mode send.
    case keypad
    /// After `ESC [` (CSI), with the first parameter's digits.
    case sequence([UInt8])
  }

  private var state = State.ground
  /// More bytes of a parameter than any key has.
  private static let parameterLimit = 4

  package init() {}

  /// The key that ends with this byte, if one does.
  package mutating func decode(_ byte: UInt8) -> Key? {
    if byte == 0x1b {
      state = .escape
      return nil
    }
    switch state {
    case .ground: return .character(byte)
    case .escape:
      state = byte == UInt8(ascii: "[") ? .sequence([]) : byte == UInt8(ascii: "O") ? .keypad : .ground
      // The escape key alone does not take the next one with it.
      if case .ground = state { return .character(byte) }
      return nil
    case .keypad:
      state = .ground
      return Self.key(byte, [])
    case .sequence(let parameter):
      switch byte {
      case 0x20...0x3f:
        if parameter.count < Self.parameterLimit { state = .sequence(parameter + [byte]) }
        return nil
      default:
        state = .ground
        return Self.key(byte, parameter)
      }
    }
  }

  /// The keys of ECMA-48 cursor movement, and of the VT220's editing keypad.
  private static func key(_ final: UInt8, _ parameter: [UInt8]) -> Key? {
    switch (final, String(decoding: parameter, as: UTF8.self)) {
    case (UInt8(ascii: "A"), _): .up
    case (UInt8(ascii: "B"), _): .down
    case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): .start
    case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): .end
    case (UInt8(ascii: "~"), "5"): .pageUp
    case (UInt8(ascii: "~"), "6"): .pageDown
    default: nil
    }
  }
}
