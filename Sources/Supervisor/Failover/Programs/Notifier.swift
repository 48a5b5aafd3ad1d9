import Configuration
import Linux
import Wire

/// Hooks and mail. When systemd listens on their socket (packaging/belvedere-notify.socket), they run outside the
/// service's sandbox as another user; otherwise as children of the supervisor.
///
/// Only the event is sent over the socket. The receiver takes the programs from the configuration, so a compromised
/// supervisor can report a false state but can't run other programs.
package enum Notifier {
  /// The socket of the packages' unit.
  package static let standardPath = "/run/belvedere-notify.sock"

  /// How long a client of the socket may take to send the event.
  private static let timeout = Interval.seconds(5)
  /// How long a hook or sendmail may take.
  private static let programTimeout = Interval.seconds(30)
  private static let mailSystem = "/usr/sbin/sendmail"

  /// Why nothing was run.
  package struct Refusal: Error, CustomStringConvertible {
    package let description: String
  }

  /// The programs to run after a role change: hooks with keepalived's arguments, and sendmail.
  static func programs(
    _ notice: ChangeNotice, hooks: [String], mail: Configuration.VirtualRouter.Mail?, interface: String
  ) -> [Program] {
    var programs = hooks.map { hook in
      Program(
        path: hook, arguments: ["INSTANCE", notice.router, notice.to.keepalivedName, "\(notice.priority)"],
        timeout: programTimeout)
    }
    if let mail {
      let message = RouterMail(mail, interface: interface, notice)
      programs.append(
        Program(
          path: mailSystem, arguments: message.arguments, input: Array(message.text.utf8), timeout: programTimeout))
    }
    return programs
  }

  /// The program that sends the change to the socket at `path` and waits while that many programs run.
  static func messenger(_ notice: ChangeNotice, programs: Int, at path: String) -> Program {
    Program(
      path: CurrentProcess.executable, arguments: ["notify", "--at", path, notice.line],
      timeout: Interval(nanoseconds: (timeout.nanoseconds + UInt64(programs) * programTimeout.nanoseconds)))
  }

  // MARK: the two sides of the socket

  /// Sends a change in the format of `ChangeNotice` and waits until all programs have run. Returns the failures, one
  /// per line.
  package static func report(_ line: String, at path: String) throws(SystemError) -> [String] {
    var conversation = try Conversation(try LocalSocket.connect(to: path))
    try conversation.say(line)
    var lines: [String] = []
    while let line = conversation.hear(until: nil) { lines.append(line) }
    return lines
  }

  /// Reads a change from standard input, a connected socket, and runs the programs that `routers` have for it, one
  /// after the other. Returns the failures, one per line, after sending them to the other side.
  package static func serve(_ routers: [Configuration.VirtualRouter]) throws -> [String] {
    var conversation = try Conversation(try StandardInput.open())
    guard let notice = conversation.hear(until: Clock.monotonic() + timeout).flatMap({ ChangeNotice(line: $0) }) else {
      throw Refusal(description: "the message is not a change of a virtual router")
    }
    guard let router = routers.first(where: { $0.name == notice.router }) else {
      throw Refusal(description: "the configuration has no virtual router `\(notice.router)`")
    }
    let lines = try run(
      programs(notice, hooks: router.hooks, mail: router.mail, interface: router.interface), of: router.name)
    for line in lines { try conversation.say(line) }
    return lines
  }

  private static func run(_ programs: [Program], of router: String) throws(SystemError) -> [String] {
    let poller = try Poller()
    var runner = ProgramRunner()
    for program in programs { _ = runner.run(program, in: ProgramRunner.Queue(router: 0), poller, at: .now) }
    var lines: [String] = []
    while true {
      for (_, program, outcome) in runner.collect(poller, at: .now) where !outcome.isSuccess {
        lines.append("vrrp: \(router): hook \(program.path): \(outcome.words)")
      }
      guard !runner.areHooksDone else { return lines }
      _ = poller.wait((runner.deadline ?? .now) - .now)
    }
  }
}

/// Lines over a local stream socket.
private struct Conversation: ~Copyable {
  private let socket: Descriptor
  private let poller: Poller
  private var received: [UInt8] = []

  init(_ socket: consuming Descriptor) throws(SystemError) {
    let poller = try Poller()
    try poller.watchLevel(socket)
    self.socket = socket
    self.poller = poller
  }

  /// A line always fits the socket's buffer.
  func say(_ line: String) throws(SystemError) {
    let bytes = Array((line + "\n").utf8)
    if case .failed(let code) = Socket.write(socket.number, bytes.span) { throw SystemError("send", code: code) }
  }

  /// The next line; nil at the end or after the deadline.
  mutating func hear(until deadline: Instant?) -> String? {
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        defer { received.removeFirst(end + 1) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      guard received.count <= ChangeNotice.lineLimit else { return nil }
      switch LocalSocket.receive(from: socket, limit: ChangeNotice.lineLimit) {
      case .bytes(let bytes): received += bytes
      case .ended: return nil
      case .nothing:
        if let deadline, Instant.now >= deadline { return nil }
        _ = poller.wait(deadline.map { $0 - .now } ?? .minutes(1))
      }
    }
  }
}

extension Instant {
  fileprivate static var now: Instant { Clock.monotonic() }
}
