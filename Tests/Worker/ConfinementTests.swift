import Foundation
import Glibc
import Testing
import Wire

@testable import Linux
@testable import Worker

/// A folder with the files of a configuration, and one beside it with other files.
private final class AttemptFolder {
  let root: URL
  var configuration: String { root.appendingPathComponent("belvedere.yaml").path }

  init() throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("trespass-\(UUID().uuidString)")
    for folder in ["tls", "archive", "log", "state", "outside"] {
      try FileManager.default.createDirectory(
        at: root.appendingPathComponent(folder), withIntermediateDirectories: true)
    }
    for file in ["archive/view1.pem", "archive/view2.pem", "tls/next.pem", "outside/secret"] {
      try Data("x\n".utf8).write(to: root.appendingPathComponent(file))
    }
    try FileManager.default.createSymbolicLink(
      atPath: path("tls/view.pem"), withDestinationPath: path("archive/view1.pem"))
    let text = """
      service: view.test
      tls: { certificate: tls/view.pem }
      servers: { view01: 192.0.2.1 }
      affinity: { file: state/affinity }
      log: { access: { target: \(path("log/access.log")) } }
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
  }

  deinit { try? FileManager.default.removeItem(at: root) }

  func path(_ name: String) -> String { root.appendingPathComponent(name).path }
}

private enum Outcome: Hashable, CustomStringConvertible {
  case done
  case failed(Int32)
  case killed(Int32)

  static let denied = Outcome.failed(EACCES)
  static let refused = Outcome.failed(EPERM)
  static let noSuchFamily = Outcome.failed(EAFNOSUPPORT)
  static let died = Outcome.killed(SIGSYS)

  var description: String {
    switch self {
    case .done: "done"
    case .failed(let code): SystemError.words(for: code)
    case .killed(let signal): Signals.words(for: signal)
    }
  }
}

/// The program beside this test bundle.
private func trespasser() throws -> URL {
  var information = unsafe Dl_info()
  let found = unsafe dladdr(#dsohandle, &information)
  try #require(found != 0)
  let bundle = unsafe URL(fileURLWithPath: String(cString: information.dli_fname))
  return bundle.deletingLastPathComponent().appendingPathComponent("trespass")
}

private func start(_ mode: String, _ folder: AttemptFolder, _ attempt: String, _ argument: String) throws -> Process {
  let process = Process()
  process.executableURL = try trespasser()
  process.arguments = [mode, folder.configuration, attempt, argument]
  process.environment = ["SWIFT_BACKTRACE": "enable=no"]
  try process.run()
  return process
}

private func attempt(_ mode: String, _ folder: AttemptFolder, _ attempt: String, _ argument: String) throws -> Outcome {
  let process = try start(mode, folder, attempt, argument)
  process.waitUntilExit()
  let status = process.terminationStatus
  if process.terminationReason == .uncaughtSignal { return .killed(status) }
  return status == 0 ? .done : .failed(status)
}

/// Its signals may be blocked, as in the thread that started it.
private func end(_ process: Process) {
  _ = kill(process.processIdentifier, SIGKILL)
  process.waitUntilExit()
}

/// The arguments of an attempt.
private enum Object: Sendable {
  case nothing
  case text(String)
  case file(String)
  case victim
  case victimsMemory
  case victimsFile(String)
}

private let isRoot = geteuid() == 0

/// The attempt, its argument, and the result inside. Outside, each succeeds.
private let forbidden: [(String, Object, Outcome)] = [
  ("execute", .text("/bin/true"), .died),
  ("make-process", .nothing, .refused),
  ("trace", .victim, .died),
  ("signal", .victim, .refused),
  ("signal-thread", .victim, .refused),
  ("signal-all", .nothing, .refused),
  ("hold-process", .victim, .died),
  ("read-memory", .victimsMemory, .died),
  ("read", .victimsFile("mem"), .denied),
  ("read", .victimsFile("environ"), .denied),
  ("have-signals-sent", .victim, .refused),
  ("read", .text("/etc/passwd"), .denied),
  ("read", .file("outside/secret"), .denied),
  ("read", .text("/proc/self/status"), .denied),
  ("list", .text("/"), .denied),
  ("write", .file("outside/new"), .denied),
  ("write", .file("tls/view.pem"), .denied),
  ("write", .file("tls/new.pem"), .denied),
  ("read", .file("log/access.log"), .denied),
  ("make-link", .file("state/affinity"), .refused),
  ("change-mode", .file("state"), .refused),
  ("change-owner", .file("state"), .refused),
  ("listen", .nothing, .refused),
  ("choose-port", .text("2359"), .refused),
  ("choose-source", .nothing, .refused),
  ("stop-listener", .nothing, .refused),
  ("stop-listener-whole", .nothing, .refused),
  ("make-listener-block", .nothing, .refused),
  ("netlink-socket", .nothing, .refused),
  ("connect-locally", .file("state/stream.sock"), .noSuchFamily),
  ("tell-locally", .file("state/datagrams.sock"), .noSuchFamily),
  ("pair-of-sockets", .nothing, .refused),
  ("list-interfaces", .nothing, .refused),
  ("map-code", .nothing, .refused),
  ("make-code", .nothing, .refused),
  ("become-user", .nothing, .died),
  ("change-capabilities", .nothing, .died),
  ("show-memory", .nothing, .refused),
  ("raise-limit", .nothing, .refused),
]

/// Attempts that succeed outside as root only.
private let forbiddenToRoot: [(String, Object, Outcome)] = [
  ("mount", .file("state"), .died),
  ("change-root", .file("state"), .died),
  ("new-namespace", .nothing, .died),
  ("raw-socket", .nothing, .refused),
  ("packet-socket", .nothing, .refused),
  ("bind-to-interface", .nothing, .refused),
]

/// Attempts that may fail outside too, by the kernel's configuration or their arguments, but not by a signal.
private let forbiddenEverywhere = ["load-program", "use-ring", "foreign-call"]

private let allowed: [(String, Object)] = [
  ("read", .file("tls/view.pem")),
  ("read", .file("tls/next.pem")),
  // A later target of the certificate's link.
  ("read", .file("archive/view2.pem")),
  ("read", .file("state/affinity")),
  ("append", .file("log/access.log")),
  ("append", .file("log/new.log")),
  ("replace", .file("state/affinity")),
  ("connect", .nothing),
  ("resolve", .text("localhost")),
  ("make-thread", .nothing),
]

/// Serialised: each starts processes and inspects its own ones.
@Suite(.serialized, .enabled(if: !SystemCallFilter.isSanitized, "a build with a sanitizer is not confined"))
struct `The worker's confinement` {
  private let folder: AttemptFolder
  private let victim: Process
  /// Sockets of other processes in a folder that a worker may write to: a stream and a datagram socket.
  private let stream: SharedDescriptor
  private let receiver: Process

  init() throws {
    folder = try AttemptFolder()
    for name in ["state/affinity", "log/access.log"] {
      try Data("x\n".utf8).write(to: folder.root.appending(path: name))
    }
    victim = try start("free", folder, "wait", "")
    stream = SharedDescriptor(try LocalSocket.listen(at: folder.path("state/stream.sock")))
    receiver = try start("free", folder, "receive-locally", folder.path("state/datagrams.sock"))
    let deadline = Clock.monotonic() + .seconds(30)
    while !LocalSocket.exists(folder.path("state/datagrams.sock")), Clock.monotonic() < deadline {
      usleep(5_000)
    }
  }

  private func endOthers() {
    end(victim)
    end(receiver)
  }

  private func resolved(_ object: Object) throws -> String {
    switch object {
    case .nothing: return ""
    case .text(let text): return text
    case .file(let name): return folder.path(name)
    case .victim: return "\(victim.processIdentifier)"
    case .victimsFile(let name): return "/proc/\(victim.processIdentifier)/\(name)"
    case .victimsMemory:
      let maps = try String(contentsOfFile: "/proc/\(victim.processIdentifier)/maps", encoding: .utf8)
      return "\(victim.processIdentifier):\(maps.prefix { $0 != "-" })"
    }
  }

  private func tries(_ list: [(String, Object, Outcome)]) throws {
    defer { endOthers() }
    for (name, object, expected) in list {
      let argument = try resolved(object)
      #expect(try attempt("free", folder, name, argument) == .done, "\(name) \(argument), free")
      try? FileManager.default.removeItem(
        atPath: argument.hasPrefix(folder.path("tls/new")) ? argument : argument + ".link")
      let found = try attempt("confined", folder, name, argument)
      #expect(found == expected, "\(name) \(argument), confined")
    }
  }

  @Test func `attacks succeed outside the sandbox and are refused inside`() throws { try tries(forbidden) }

  @Test(.enabled(if: isRoot)) func `attacks that require root are refused inside too`() throws {
    try tries(forbiddenToRoot)
  }

  @Test func `forbidden system calls that the kernel may lack kill the process inside`() throws {
    defer { endOthers() }
    for name in forbiddenEverywhere {
      #expect(try attempt("free", folder, name, "") != .died, "\(name), free")
      #expect(try attempt("confined", folder, name, "") == .died, "\(name), confined")
    }
  }

  @Test func `the worker's own operations succeed inside`() throws {
    defer { endOthers() }
    for (name, object) in allowed {
      #expect(try attempt("confined", folder, name, try resolved(object)) == .done, "\(name) \(object)")
    }
  }

  @Test func `with a pair it may choose a source address, and neither a port nor to listen`() throws {
    defer { endOthers() }
    #expect(try attempt("paired", folder, "choose-source", "") == .done)
    #expect(try attempt("paired", folder, "choose-port", "2359") == .denied)
    #expect(try attempt("paired", folder, "listen", "") == .refused)
  }

  @Test func `a trap inside ends the process with its signal`() throws {
    defer { endOthers() }
    #expect(try attempt("confined", folder, "crash", "") == .killed(SIGABRT))
  }
}

@Suite struct `The list of the worker's system calls` {
  @Test func `docs/security.md has every system call of the list, and no other`() throws {
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/security.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let rows = text.components(separatedBy: "| Calls | Purpose | Restricted to |").last?.components(separatedBy: "\n\n")
      .first
    var told: [String] = []
    for row in try #require(rows).split(separator: "\n").dropFirst(1) {
      told += row.split(separator: "|")[0].split(separator: " ").map { $0.filter { $0 != "`" } }
    }
    let allowed = WorkerCalls.filter(for: 1, isPaired: true).rules.filter {
      $0.answer == .allowed && $0.call != .clone3
    }
    #expect(Set(told) == Set(allowed.map(\.call.name)))
    #expect(told.count == Set(told).count)
  }
}
