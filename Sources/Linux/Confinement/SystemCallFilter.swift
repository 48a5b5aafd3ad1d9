/// Which system calls a process may make, with which arguments, and what becomes of all others: the source of a seccomp
/// program (seccomp(2)). Pure; `ProcessFilter` gives it to the kernel.
///
/// Rules are tried in their order, so the calls of the hot path come first. From Linux 5.11 on the kernel keeps a bitmap
/// of the calls that are allowed whatever their arguments, and runs no program for them.
public struct SystemCallFilter: Sendable {
  /// What becomes of a call.
  public enum Answer: Hashable, Sendable {
    case allowed
    /// The call fails with this errno.
    case refused(Int32)
    /// The process dies of SIGSYS.
    case killed

    /// SECCOMP_RET_*.
    public var value: UInt32 {
      switch self {
      case .allowed: 0x7fff_0000
      case .refused(let code): 0x0005_0000 | UInt32(code)
      case .killed: 0x8000_0000
      }
    }
  }

  /// What is asked of one argument, counted from 0.
  public enum Test: Hashable, Sendable {
    /// An `int` with one of these values, bits of `ignoring` left out.
    case value(Int, in: [UInt32], ignoring: UInt32 = 0)
    /// None of these bits.
    case lacks(Int, UInt32)
    /// A null pointer.
    case null(Int)
  }

  /// One call, and its answer when any of the alternatives holds, each of them a list of tests that all hold. Without an
  /// alternative the answer is the same for all arguments.
  public struct Rule: Sendable {
    public let call: SystemCall
    public let answer: Answer
    let alternatives: [[Test]]

    /// Allowed when any alternative holds.
    public static func allow(_ call: SystemCall, when alternatives: [Test]...) -> Rule {
      Rule(call: call, answer: .allowed, alternatives: alternatives)
    }

    /// Fails with this errno when any alternative holds.
    public static func refuse(_ call: SystemCall, _ code: Int32, when alternatives: [Test]...) -> Rule {
      Rule(call: call, answer: .refused(code), alternatives: alternatives)
    }

    /// Kills the process, whatever the arguments.
    public static func kill(_ call: SystemCall) -> Rule { Rule(call: call, answer: .killed, alternatives: []) }
  }

  /// The highest number in use when `SystemCall` was written (Linux 5.17). A library that tries a newer call is told that
  /// the kernel has none, and uses an older one.
  static let newestNumber: UInt32 = 450
  /// ENOSYS, on both architectures.
  static let unknown = Answer.refused(38)

  public let rules: [Rule]
  /// The answer to what no rule names, and to a named call whose arguments fit no alternative.
  public let otherwise: Answer

  /// A call has one rule at most.
  public init(_ rules: [Rule], otherwise: Answer) {
    precondition(Set(rules.map(\.call)).count == rules.count, "a call has one rule")
    self.rules = rules
    self.otherwise = otherwise
  }

  /// The program. A call by another architecture's numbers (x86_64 runs i386's too) kills.
  public func program(for architecture: Architecture) -> [FilterInstruction] {
    var program: [FilterInstruction] = [
      .load(FilterInstruction.Place.architecture),
      .test(FilterInstruction.Operation.isEqual, architecture.auditValue, skipIfTrue: 1),
      .answer(.killed),
      .load(FilterInstruction.Place.number),
      .test(FilterInstruction.Operation.isGreater, Self.newestNumber, skipIfFalse: 1),
      .answer(otherwise == .allowed ? .allowed : Self.unknown),
    ]
    for rule in rules {
      guard let number = rule.call.number(on: architecture) else { continue }
      let block = block(of: rule)
      program.append(.test(FilterInstruction.Operation.isEqual, number, skipIfFalse: block.count))
      program += block
    }
    program.append(.answer(otherwise))
    return program
  }

  /// What is done once the number fits; ends with an answer on every way.
  private func block(of rule: Rule) -> [FilterInstruction] {
    guard !rule.alternatives.isEmpty else { return [.answer(rule.answer)] }
    var block: [FilterInstruction] = []
    for tests in rule.alternatives {
      let steps = tests.flatMap(\.steps)
      for (index, step) in steps.enumerated() {
        block.append(step.instruction(toEnd: steps.count - index))
      }
      block.append(.answer(rule.answer))
    }
    block.append(.answer(otherwise))
    return block
  }
}

extension FilterInstruction {
  fileprivate static func test(
    _ operation: UInt16, _ operand: UInt32, skipIfTrue: Int = 0, skipIfFalse: Int = 0
  ) -> FilterInstruction {
    precondition(skipIfTrue <= UInt8.max && skipIfFalse <= UInt8.max, "a rule has too many alternatives")
    return FilterInstruction(
      code: operation, skipIfTrue: UInt8(skipIfTrue), skipIfFalse: UInt8(skipIfFalse), operand: operand)
  }
}

/// An instruction whose ways out are not counted yet.
private struct Step {
  enum Way: Equatable {
    /// The next instruction, after skipping so many.
    case onward(skipping: Int)
    /// The alternative does not hold.
    case fails
  }

  let operation: UInt16
  let operand: UInt32
  var ifTrue = Way.onward(skipping: 0)
  var ifFalse = Way.onward(skipping: 0)

  /// The alternative's answer stands `toEnd` instructions further on, and behind it the next alternative.
  func instruction(toEnd: Int) -> FilterInstruction {
    func skip(_ way: Way) -> Int {
      switch way {
      case .onward(let count): count
      case .fails: toEnd
      }
    }
    return .test(operation, operand, skipIfTrue: skip(ifTrue), skipIfFalse: skip(ifFalse))
  }
}

extension SystemCallFilter.Test {
  fileprivate var steps: [Step] {
    typealias Operation = FilterInstruction.Operation
    switch self {
    case .value(let argument, let values, let ignored):
      var steps = [Step(operation: Operation.load, operand: FilterInstruction.Place.low(argument))]
      if ignored != 0 { steps.append(Step(operation: Operation.and, operand: ~ignored)) }
      for (index, value) in values.enumerated() {
        let rest = values.count - index - 1
        steps.append(
          Step(
            operation: Operation.isEqual, operand: value, ifTrue: .onward(skipping: rest),
            ifFalse: rest == 0 ? .fails : .onward(skipping: 0)))
      }
      return steps
    case .lacks(let argument, let bits):
      return [
        Step(operation: Operation.load, operand: FilterInstruction.Place.low(argument)),
        Step(operation: Operation.hasAny, operand: bits, ifTrue: .fails),
      ]
    case .null(let argument):
      return [FilterInstruction.Place.low(argument), FilterInstruction.Place.high(argument)].flatMap {
        [
          Step(operation: Operation.load, operand: $0),
          Step(operation: Operation.isEqual, operand: 0, ifFalse: .fails),
        ]
      }
    }
  }
}
