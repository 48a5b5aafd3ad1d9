@testable import Configuration
import Domain
import Linux
import Testing
@testable import VRRP
import Wire

@testable import Supervisor

private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: (1_000_000 + milliseconds) * 1_000_000) }

@Suite struct `A tracked script` {
  private static func schedule() throws -> ScriptSchedule {
    try #require(
      ScriptSchedule(
        .script(path: "/etc/check", interval: .seconds(2), timeout: .seconds(1), fall: 2), router: 0, track: 3,
        at: at(0)))
  }

  @Test func `runs at once, then at its interval`() throws {
    var schedule = try Self.schedule()
    let first = schedule.isDue(at: at(0))
    let again = schedule.isDue(at: at(5000))
    #expect([first, again] == [true, false])
    #expect(schedule.deadline == nil)
    _ = schedule.note(isSuccess: true)
    #expect(schedule.deadline == at(2000))
    let second = schedule.isDue(at: at(2001))
    _ = schedule.note(isSuccess: true)
    #expect(second)
    #expect(schedule.deadline == at(4000))
    // Several intervals were missed.
    let late = schedule.isDue(at: at(9000))
    _ = schedule.note(isSuccess: true)
    #expect(late)
    #expect(schedule.deadline == at(11_000))
  }

  @Test func `reports the first result at once, a later failure after enough failures in a row`() throws {
    var schedule = try Self.schedule()
    let outcomes = [false, true, false, true, false, false, false, true]
    let told = outcomes.map { schedule.note(isSuccess: $0) }
    #expect(told == [false, true, nil, true, nil, false, false, true])
  }
}

@Suite struct `Programs run by the supervisor` {
  private static let queue = ProgramRunner.Queue(router: 0)

  /// Runs programs in one queue to their end.
  private static func outcomes(_ programs: [Program]) throws -> [ProgramRunner.Outcome] {
    let poller = try Poller()
    var runner = ProgramRunner()
    for program in programs { _ = runner.run(program, in: queue, poller, at: Clock.monotonic()) }
    var outcomes: [ProgramRunner.Outcome] = []
    while outcomes.count < programs.count {
      let now = Clock.monotonic()
      outcomes += runner.collect(poller, at: now).map { $0.2 }
      guard outcomes.count < programs.count else { break }
      _ = poller.wait(runner.deadline.map { $0 - now } ?? .seconds(60))
    }
    let isDone = runner.areHooksDone
    #expect(isDone)
    return outcomes
  }

  private static func shell(_ text: String, input: [UInt8] = [], timeout: Interval = .minutes(1)) -> Program {
    Program(path: "/bin/sh", arguments: ["-c", text], input: input, timeout: timeout)
  }

  @Test func `end with the status of their process`() throws {
    let outcomes = try Self.outcomes([
      Self.shell("exit 0"), Self.shell("exit 3"), Self.shell("kill -9 $$"),
      Program(path: "/does/not/exist", timeout: .seconds(1)),
    ])
    #expect(outcomes.prefix(3) == [.ended(.exited(status: 0)), .ended(.exited(status: 3)), .ended(.killed(signal: 9))])
    #expect(outcomes.map(\.isSuccess) == [true, false, false, false])
    #expect(outcomes.last?.words.hasPrefix("it can't be started: No such file") == true)
  }

  /// Runs hooks and mail to the end, as the service does.
  private static func told(_ programs: [Program]) throws -> [ProgramRunner.Outcome] {
    let poller = try Poller()
    var runner = ProgramRunner()
    for program in programs { _ = runner.run(program, in: queue, poller, at: Clock.monotonic()) }
    var outcomes: [ProgramRunner.Outcome] = []
    while !runner.areHooksDone {
      let now = Clock.monotonic()
      outcomes += runner.collect(poller, at: now).map { $0.2 }
      if !runner.areHooksDone { _ = poller.wait(runner.deadline.map { $0 - now } ?? .seconds(60)) }
    }
    return outcomes
  }

  @Test func `are all run and reported, although some can't be started`() throws {
    let missing = Program(path: "/does/not/exist", timeout: .seconds(1))
    for pattern in 0..<16 as Range<Int> {
      let programs = (0..<4 as Range<Int>).map { pattern >> $0 & 1 == 1 ? missing : Self.shell("exit 0") }
      let outcomes = try Self.told(programs)
      #expect(outcomes.map(\.isSuccess) == programs.map { $0 != missing }, "\(pattern)")
    }
  }

  @Test func `are killed with their children when they take too long`() throws {
    // A surviving child would keep the pipe of this test's output open.
    let outcomes = try Self.outcomes([Self.shell("sleep 600 & sleep 600", timeout: .milliseconds(50))])
    #expect(outcomes == [.tookTooLong])
  }

  @Test func `read their input and inherit no other descriptor`() throws {
    let outcomes = try Self.outcomes([
      Self.shell("test \"$(cat)\" = hello", input: Array("hello\n".utf8)), Self.shell("test -z \"$(cat)\""),
      Self.shell("for n in 3 4 5 6 7 8 9; do test ! -e /proc/$$/fd/$n || exit 1; done"),
    ])
    #expect(outcomes.map(\.isSuccess) == [true, true, true])
  }
}

@Suite struct `Mail about a change` {
  private static func notice(of router: String) -> ChangeNotice {
    ChangeNotice(
      router: router, Transition(from: .backup, to: .active, priority: 101, reason: .activeSilent))
  }

  @Test func `has the transition and its reason, and is sent to all recipients`() {
    let message = RouterMail(
      .init(to: ["root", "admins@domain.local"], from: "lb1@domain.local"), interface: "eth0",
      Self.notice(of: "router-51"), host: "lb1")
    #expect(message.arguments == ["-i", "-f", "lb1@domain.local", "--", "root", "admins@domain.local"])
    #expect(
      message.text == """
        From: Belvedere <lb1@domain.local>
        To: root, admins@domain.local
        Subject: lb1: router-51 is active, was backup
        Auto-Submitted: auto-generated

        router-51 on eth0 of lb1 is active, was backup, priority 101: no Active is heard.

        journalctl -u belvedere -g vrrp    tells more.

        """)
  }

  @Test func `leaves the sender to the mail system if none is configured`() {
    let message = RouterMail(.init(to: ["root"]), interface: "eth0", Self.notice(of: "view"), host: "lb1")
    #expect(message.arguments == ["-i", "--", "root"])
    #expect(message.text.hasPrefix("To: root\n"))
  }

  @Test(arguments: [
    (VirtualRouterRole.active, "MASTER"), (.backup, "BACKUP"), (.fault, "FAULT"), (.initialize, "STOP"),
  ])
  func `hooks get keepalived's arguments`(role: VirtualRouterRole, word: String) {
    #expect(role.keepalivedName == word)
  }
}

@Suite struct `A notice of a transition` {
  @Test func `is decoded as it was encoded`() {
    let reasons: [Transition.Reason] = [
      .activeSilent, .faults(["worker", "link eth0"]), .better(IPAddress(v4: 0xc000_0201), priority: 200), .stopped,
      // A script may have such a name.
      .faults(["/opt/a\u{9b}31m", "/opt/b\n\tc", "/opt/\u{202e}d", "/opt/\u{2028}e"]),
    ]
    for reason in reasons {
      let notice = ChangeNotice(router: "view-v6", Transition(from: .active, to: .fault, priority: 7, reason: reason))
      #expect(ChangeNotice(line: notice.line) == notice)
    }
  }

  @Test(arguments: [
    "", "router-51", "router-51 backup active 101", "router-51 backup master 101 why",
    "router-51 backup active 256 why",
    "router-51 backup active -1 why", "router-51 backup active 101 a\u{1b}[31m", "router-51 backup active 101 a\nb",
    "router-51 backup active 101 a\u{85}b", "router-51 backup active 101 \u{9b}31m",
    "router-51 backup active 101 \u{9d}0;title\u{9c}",
    "router-51 backup active 101 a\u{202e}b", "router-51 backup active 101 a\u{2028}b",
    "router-51  backup active 101 why", "router-51 backup active 101 \(String(repeating: "y", count: 1024))",
  ])
  func `is refused if it is malformed`(line: String) {
    #expect(ChangeNotice(line: line) == nil)
  }
}
