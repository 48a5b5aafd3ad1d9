/// One instruction of a classic BPF program over `struct seccomp_data` (linux/filter.h, seccomp(2)), 8 bytes: it tests
/// the accumulator and skips a number of instructions depending on the result.
public struct FilterInstruction: Hashable, Sendable {
  public let code: UInt16
  public var skipIfTrue: UInt8 = 0
  public var skipIfFalse: UInt8 = 0
  public let operand: UInt32

  /// Offsets in `seccomp_data`: system call number, architecture, and six 64-bit arguments.
  enum Place {
    static let number: UInt32 = 0
    static let architecture: UInt32 = 4

    /// The low half of an argument, which holds all of an `int`.
    static func low(_ argument: Int) -> UInt32 { 16 + 8 * UInt32(argument) }
    static func high(_ argument: Int) -> UInt32 { low(argument) + 4 }
  }

  /// The operations used (BPF_CLASS | BPF_SIZE or BPF_OP | BPF_MODE or BPF_SRC).
  enum Operation {
    static let load: UInt16 = 0x20
    static let and: UInt16 = 0x54
    static let isEqual: UInt16 = 0x15
    static let isGreater: UInt16 = 0x25
    static let hasAny: UInt16 = 0x45
    static let answer: UInt16 = 0x06
  }

  static func load(_ place: UInt32) -> FilterInstruction { FilterInstruction(code: Operation.load, operand: place) }

  static func answer(_ answer: SystemCallFilter.Answer) -> FilterInstruction {
    FilterInstruction(code: Operation.answer, operand: answer.value)
  }
}
