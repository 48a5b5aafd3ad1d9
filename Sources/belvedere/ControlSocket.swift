import ArgumentParser
import Control
import Glibc
import Linux
import Wire

/// The option for the control socket, and requests to a running service over it.
struct ControlSocket: ParsableArguments {
  /// The control socket in systemd's RuntimeDirectory=, or in its usual place.
  static let standardPath: String = {
    let directory = CurrentProcess.environmentValue("RUNTIME_DIRECTORY")?.split(separator: ":").first
    return (directory.map(String.init) ?? "/run/belvedere") + "/control.sock"
  }()

  @Option(
    name: .customLong("control"),
    help: ArgumentHelp(
      "The socket that the running service answers on; @NAME is one without a file.", valueName: "path"),
    completion: .file())
  var path = ControlSocket.standardPath

  /// The exit status when the service does not answer (sysexits(3): EX_UNAVAILABLE).
  static let unavailable = ExitCode(69)

  /// For the answer when nothing is to be waited for.
  static let statusTimeout = Interval.seconds(statusSeconds)
  private static let statusSeconds: UInt64 = 5

  /// Sends a request and waits for the answer. Prints a refusal on standard error and exits with status 1; exits with
  /// 69 when the service does not answer.
  func ask(_ request: ControlRequest, timeout: Interval) throws -> ControlAnswer {
    let answer: ControlAnswer
    do throws(Fault) { answer = try exchange(request, timeout: timeout) } catch {
      throw ExitCode.failure("\(error)", ControlSocket.unavailable)
    }
    guard case .refused(let reasons) = answer else { return answer }
    for reason in reasons { StandardStream.error.write(reason + "\n") }
    throw ExitCode.failure
  }

  /// Why there is no answer, for the user.
  struct Fault: Error, CustomStringConvertible {
    let description: String
    /// The service has answered, with a refusal.
    let isRefusal: Bool

    init(_ description: String, isRefusal: Bool = false) {
      self.description = description
      self.isRefusal = isRefusal
    }
  }

  func exchange(_ request: ControlRequest, timeout: Interval) throws(Fault) -> ControlAnswer {
    var socket: Descriptor?
    var rest: [UInt8] = []
    return try exchange(request, timeout: timeout, &socket, &rest)
  }

  /// The status of the running service.
  func status(within timeout: Interval) throws(Fault) -> StatusReport { try report(.status, timeout: timeout) }

  /// The status as soon as the condition holds, or at the end of the time, rounded up to seconds.
  func status(once condition: ControlRequest.Condition, within time: Interval) throws(Fault) -> StatusReport {
    let seconds = min(time.milliseconds / 1000 + 1, ControlRequest.waitLimit)
    return try report(.wait(for: condition, seconds: seconds), timeout: .seconds(seconds + Self.statusSeconds))
  }

  private func report(_ request: ControlRequest, timeout: Interval) throws(Fault) -> StatusReport {
    try report(in: try exchange(request, timeout: timeout))
  }

  /// The status in an answer's line, without its end.
  func report(in line: [UInt8]) throws(Fault) -> StatusReport { try report(in: try answer(in: line)) }

  private func report(in answer: ControlAnswer) throws(Fault) -> StatusReport {
    switch answer {
    case .status(let report): return report
    case .refused(let reasons): throw Fault(reasons.joined(separator: "; "))
    default: throw Fault("the service at \(path) gave an unexpected answer")
    }
  }

  private func answer(in line: [UInt8]) throws(Fault) -> ControlAnswer {
    do throws(ControlFault) {
      return try ControlAnswer(parsing: line)
    } catch {
      throw Fault("the service at \(path) sent an answer that this version does not understand: \(error)")
    }
  }

  /// The connection for a request whose answer is followed by frames: a stream to the receiver of another node, or a
  /// trace. `frames` gets what was read of them.
  func open(
    _ request: ControlRequest, until deadline: Instant, _ frames: inout StreamFrames
  ) throws(Fault) -> Descriptor {
    var socket: Descriptor?
    var rest: [UInt8] = []
    let timeout = deadline - Clock.monotonic()
    if case .refused(let reasons) = try exchange(request, timeout: timeout, &socket, &rest) {
      throw Fault(reasons.joined(separator: "; "), isRefusal: true)
    }
    guard let socket = socket.take() else { throw Fault("the service at \(path) ended the connection") }
    frames.append(rest)
    return socket
  }

  /// Passes on the connection, and what was received after the answer.
  private func exchange(
    _ request: ControlRequest, timeout: Interval, _ connection: inout Descriptor?, _ rest: inout [UInt8]
  ) throws(Fault) -> ControlAnswer {
    let deadline = Clock.monotonic() + timeout
    let received: [UInt8]?
    do throws(SystemError) {
      // Waits while the listen queue is full.
      let socket = try LocalSocket.connect(to: path, within: timeout)
      // A request is shorter than the buffer of any socket.
      let bytes = Array(request.line.utf8) + [UInt8(ascii: "\n")]
      if case .failed(let code) = Socket.write(socket.number, bytes.span) { throw SystemError("send", code: code) }
      received = try receive(from: socket, until: deadline, &rest)
      connection = consume socket
    } catch {
      throw Fault(words(for: error))
    }
    guard let line = received else {
      throw Fault("the service at \(path) has not answered for \(timeout.milliseconds / 1000) s")
    }
    guard !line.isEmpty else { throw Fault("the service at \(path) ended before it answered") }
    return try answer(in: line)
  }

  /// The line without its newline, or what was received before the service ended; nil after the deadline. `rest` gets
  /// what was received after the line.
  private func receive(
    from socket: borrowing Descriptor, until deadline: Instant, _ rest: inout [UInt8]
  ) throws(SystemError) -> [UInt8]? {
    let poller = try Poller()
    try poller.watchLevel(socket)
    var line: [UInt8] = []
    while line.count <= ControlAnswer.byteLimit {
      switch LocalSocket.receive(from: socket, limit: 65_536) {
      case .bytes(let bytes):
        if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
          rest = Array(bytes[(end + 1)...])
          return line + bytes[..<end]
        }
        line += bytes
      case .ended: return line
      case .nothing:
        let now = Clock.monotonic()
        guard now < deadline else { return nil }
        _ = poller.wait(milliseconds: Int32(clamping: (deadline - now).milliseconds + 1))
      }
    }
    return line
  }

  func words(for error: SystemError) -> String {
    switch error.code {
    case ENOENT:
      "the service is not running: there is no \(path). `systemctl start belvedere` starts it; --control names another socket"
    case ECONNREFUSED:
      "the service is not running: no process listens at \(path). `systemctl start belvedere` starts it"
    case EACCES, EPERM:
      "permission denied for the service at \(path): be root, or in the group that `ls -l \(path)` shows"
    default: "the service can't be reached: \(error)"
    }
  }
}

extension ExitCode {
  /// Prints why a command fails.
  static func failure(_ reason: String, _ status: ExitCode = .failure) -> ExitCode {
    StandardStream.error.write("belvedere: \(reason)\n")
    return status
  }

  static func unexpectedAnswer() -> ExitCode {
    .failure("unexpected answer from the service", ControlSocket.unavailable)
  }
}
