import Foundation
import Testing

@testable import Linux

/// Runs a program as the kernel does (linux/filter.h), for one call.
private func answer(
  _ program: [FilterInstruction], _ architecture: UInt32, _ number: UInt32, _ arguments: [UInt64]
) -> UInt32? {
  func field(_ place: UInt32) -> UInt32 {
    switch place {
    case 0: return number
    case 4: return architecture
    default:
      let index = (Int(place) - 16) / 8
      let value = index < arguments.count ? arguments[index] : 0
      return UInt32(truncatingIfNeeded: (Int(place) - 16) % 8 == 0 ? value : value >> 32)
    }
  }
  var accumulator: UInt32 = 0
  var position = 0
  while position < program.count {
    let instruction = program[position]
    var holds: Bool?
    switch instruction.code {
    case FilterInstruction.Operation.load: accumulator = field(instruction.operand)
    case FilterInstruction.Operation.and: accumulator &= instruction.operand
    case FilterInstruction.Operation.isEqual: holds = accumulator == instruction.operand
    case FilterInstruction.Operation.isGreater: holds = accumulator > instruction.operand
    case FilterInstruction.Operation.hasAny: holds = accumulator & instruction.operand != 0
    case FilterInstruction.Operation.answer: return instruction.operand
    default: return nil
    }
    position += 1
    if let holds { position += Int(holds ? instruction.skipIfTrue : instruction.skipIfFalse) }
  }
  return nil
}

@Suite struct `System call filters` {
  private static let filter = SystemCallFilter(
    [
      .allow(.read),
      .refuse(.clone3, 38),
      .kill(.execve),
      .allow(
        .socket,
        when: [.value(0, in: [2, 10]), .value(1, in: [1, 2], ignoring: 0o2_004_000), .value(2, in: [0, 6])],
        [.value(0, in: [1])]),
      .allow(.mmap, when: [.lacks(2, 4)]),
      .allow(.prlimit64, when: [.value(0, in: [0]), .null(2)]),
    ], otherwise: .refused(1))

  private static let cases: [(SystemCall, [UInt64], SystemCallFilter.Answer)] = [
    (.read, [1, 2, 3], .allowed),
    (.clone3, [], .refused(38)),
    (.execve, [], .killed),
    (.ptrace, [], .refused(1)),
    // Every test of an alternative holds, whatever the order of its values.
    (.socket, [2, 1, 0], .allowed), (.socket, [10, 2, 6], .allowed), (.socket, [2, 0o2_004_001, 6], .allowed),
    (.socket, [2, 3, 0], .refused(1)), (.socket, [2, 1, 17], .refused(1)), (.socket, [16, 1, 0], .refused(1)),
    // Another alternative.
    (.socket, [1, 3, 9], .allowed),
    // An `int` is 32 bits; the kernel ignores the upper bits too.
    (.socket, [1 << 32 | 2, 1, 0], .allowed),
    (.mmap, [0, 4096, 3], .allowed), (.mmap, [0, 4096, 7], .refused(1)), (.mmap, [0, 4096, 4], .refused(1)),
    // A pointer is 64.
    (.prlimit64, [0, 7, 0], .allowed), (.prlimit64, [0, 7, 1], .refused(1)),
    (.prlimit64, [0, 7, 1 << 32], .refused(1)),
    (.prlimit64, [5, 7, 0], .refused(1)),
  ]

  @Test(arguments: Architecture.allCases) func `a program returns what its rules say`(architecture: Architecture) throws
  {
    let program = Self.filter.program(for: architecture)
    for (call, arguments, expected) in Self.cases {
      let number = try #require(call.number(on: architecture))
      let found = answer(program, architecture.auditValue, number, arguments)
      #expect(found == expected.value, "\(call.name)\(arguments)")
    }
  }

  @Test func `system call numbers of another architecture kill the process`() {
    let program = Self.filter.program(for: .x86_64)
    #expect(answer(program, 0x4000_0003, 3, []) == SystemCallFilter.Answer.killed.value)
    #expect(answer(program, Architecture.aarch64.auditValue, 63, []) == SystemCallFilter.Answer.killed.value)
  }

  @Test func `system calls newer than the list fail with ENOSYS`() {
    let program = Self.filter.program(for: .x86_64)
    for number: UInt32 in [451, 0x4000_0000, .max] {
      #expect(answer(program, Architecture.x86_64.auditValue, number, []) == SystemCallFilter.Answer.refused(38).value)
    }
    let lenient = SystemCallFilter([.kill(.execve)], otherwise: .allowed).program(for: .x86_64)
    #expect(answer(lenient, Architecture.x86_64.auditValue, 451, []) == SystemCallFilter.Answer.allowed.value)
  }

  @Test func `a system call that an architecture lacks takes no instruction of its program`() {
    let filter = SystemCallFilter([.allow(.epollWait)], otherwise: .killed)
    #expect(filter.program(for: .aarch64).count == filter.program(for: .x86_64).count - 2)
  }

  @Test func `every system call has a unique name and number`() {
    #expect(Set(SystemCall.all.map(\.name)).count == SystemCall.all.count)
    for architecture in Architecture.allCases {
      let numbers = SystemCall.all.compactMap { $0.number(on: architecture) }
      #expect(Set(numbers).count == numbers.count)
      #expect(numbers.allSatisfy { $0 <= SystemCallFilter.newestNumber })
    }
  }

  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: "/usr/include/asm-generic/unistd.h")),
    arguments: [
      (Architecture.x86_64, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
      (.aarch64, "/usr/include/asm-generic/unistd.h"),
    ])
  func `the numbers are those of the kernel headers`(architecture: Architecture, header: String) throws {
    guard let text = try? String(contentsOfFile: header, encoding: .utf8) else { return }
    var numbers: [String: UInt32] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("#define __NR") {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      guard words.count >= 3, let name = words[1].split(separator: "_", maxSplits: 1).last.map(String.init) else {
        continue
      }
      // `__NR_read 63`, `__NR3264_mmap 222`, `__NR_newfstatat __NR3264_fstatat`.
      let plain = name.replacingOccurrences(of: "NR3264_", with: "").replacingOccurrences(of: "NR_", with: "")
      let key = plain.hasPrefix("_") ? String(plain.dropFirst()) : plain
      if let number = UInt32(words[2]) { numbers[key] = number }
      if let other = words[2].components(separatedBy: "__NR3264_").dropFirst().first, let number = numbers[other] {
        numbers[key] = number
      }
    }
    try #require(numbers.count > 250)
    for call in SystemCall.all { #expect(numbers[call.name] == call.number(on: architecture), "\(call.name)") }
  }
}

@Suite struct `File access rules` {
  private static func access(_ rights: [String: FileAccess.Rights]) -> FileAccess {
    var access = FileAccess()
    for (path, right) in rights { access.allow(right, below: path) }
    return access
  }

  @Test func `the rights on a folder apply to everything below it`() {
    let granted = Self.access(["/etc/belvedere": .read, "/var/log/belvedere": .append])
    #expect(granted.covers(Self.access(["/etc/belvedere": .read])))
    #expect(granted.covers(Self.access(["/etc/belvedere/tls": .read, "/var/log/belvedere": .append])))
    #expect(!granted.covers(Self.access(["/etc": .read])))
    #expect(!granted.covers(Self.access(["/etc/belvedere-other": .read])))
    #expect(!granted.covers(Self.access(["/etc/belvedere/tls": .append])))
    #expect(!granted.covers(Self.access(["/etc/belvedere": .read, "/srv": .read])))
    #expect(Self.access(["/": .read]).covers(Self.access(["/srv": .read])))
  }

  @Test func `rights on a path add up with those on its parent folders`() {
    var granted = FileAccess()
    granted.allow(.read, below: "/srv")
    granted.allow(.append, below: "/srv/a")
    #expect(granted.covers(Self.access(["/srv/a": [.read, .append]])))
    #expect(!granted.covers(Self.access(["/srv/a": .replace])))
    granted.allow(.replace, below: "/srv/a")
    #expect(granted.covers(Self.access(["/srv/a": .replace])))
  }
}
