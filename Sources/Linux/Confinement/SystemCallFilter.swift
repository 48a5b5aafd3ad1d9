/// The system calls that a process may make, with which arguments, and what happens on others: compiled to a seccomp
/// program (seccomp(2)). Pure; `ProcessFilter` installs it.
///
/// Rules are tested in order, so the calls of the hot path come first. Since Linux 5.11 the kernel keeps a bitmap of
/// calls that are allowed for all arguments, and does not run the program for them.
public struct SystemCallFilter: Sendable {
  /// The result of a call.
  public enum Answer: Hashable, Sendable {
    case allowed
    /// The call fails with this errno.
    case refused(Int32)
    /// The process is killed by SIGSYS.
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

  /// A test of one argument, counted from 0.
  public enum Test: Hashable, Sendable {
    /// An `int` with one of these values, after clearing the bits in `ignoring`.
    case value(Int, in: [UInt32], ignoring: UInt32 = 0)
    /// None of these bits is set.
    case lacks(Int, UInt32)
    /// A null pointer.
    case null(Int)
  }

  /// A call, and its answer when all tests of any one alternative hold. Without alternatives the answer applies to all
  /// arguments.
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

  /// The highest number when `SystemCall` was written (Linux 5.17). Newer calls fail with ENOSYS, so a library falls
  /// back to an older one.
  static let newestNumber: UInt32 = 450
  /// ENOSYS, on both architectures.
  static let unknown = Answer.refused(38)

  public let rules: [Rule]
  /// The answer for calls without a rule, and for calls whose arguments match no alternative.
  public let otherwise: Answer

  /// Each call may have at most one rule.
  public init(_ rules: [Rule], otherwise: Answer) {
    precondition(Set(rules.map(\.call)).count == rules.count, "a call has one rule")
    self.rules = rules
    self.otherwise = otherwise
  }

  /// Compiles the program. Calls with another architecture's numbers kill the process (x86_64 also runs i386's).
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

  /// The instructions after the number has matched; every path ends with an answer.
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

/// An instruction whose jump offsets are not resolved yet.
private struct Step {
  enum Way: Equatable {
    /// Continue with the next instruction, after skipping this many.
    case onward(skipping: Int)
    /// The alternative does not hold.
    case fails
  }

  let operation: UInt16
  let operand: UInt32
  var ifTrue = Way.onward(skipping: 0)
  var ifFalse = Way.onward(skipping: 0)

  /// The alternative's answer is `toEnd` instructions ahead, followed by the next alternative.
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
