/// One instruction of a classic BPF program over `struct seccomp_data` (linux/filter.h, seccomp(2)): a step of 8 bytes
/// that looks at the accumulator, and how many instructions to skip when its test holds and when it does not.
public struct FilterInstruction: Hashable, Sendable {
  public let code: UInt16
  public var skipIfTrue: UInt8 = 0
  public var skipIfFalse: UInt8 = 0
  public let operand: UInt32

  /// What a program finds at which place: the call's number, the architecture, and six arguments of 64 bits.
  enum Place {
    static let number: UInt32 = 0
    static let architecture: UInt32 = 4

    /// The low half of an argument, which is all of an `int`.
    static func low(_ argument: Int) -> UInt32 { 16 + 8 * UInt32(argument) }
    static func high(_ argument: Int) -> UInt32 { low(argument) + 4 }
  }

  /// The operations that our programs are made of (BPF_CLASS | BPF_SIZE or BPF_OP | BPF_MODE or BPF_SRC).
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
