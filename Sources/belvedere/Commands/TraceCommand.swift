import ArgumentParser
import Control
import Domain
import Glibc
import Linux
import Wire

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Show live what happens to one client: its server and why, handshakes, requests, who closes.",
    discussion: """
      CLIENT is an address, a block of addresses, or the host name that clients ask for. With --cookie it is the client \
      with a session cookie, whose value is read from standard input: on a command line others could see it.

      Prints a line for each event until the time is over, or Ctrl-C. A trace shows what happens on this node only. At \
      most four run at once. The log says who has begun one, of what, and when it has ended.

      --tls-keys writes the secrets of the client's new TLS connections, with which Wireshark can decrypt them, and \
      anyone else who has the file: delete it afterwards. For root only.

      The exit status is 0 when the trace has begun, 1 when it was refused, 69 when the service does not run or ends.
      """)

  private static let timeout = Interval.seconds(5)

  @OptionGroup var control: ControlSocket

  @Argument(help: "An address, a block of addresses as in 192.0.2.0/24, or a host name.")
  var client: String?

  @Flag(help: "Follow the client with the session cookie that is read from standard input.")
  var cookie = false

  @Option(name: .customLong("for"), help: ArgumentHelp("How long, 1 to 600.", valueName: "seconds"))
  var seconds: UInt64 = 60

  @Flag(help: "Print one line of JSON for each event.")
  var json = false

  @Option(
    name: .customLong("tls-keys"),
    help: ArgumentHelp("Write TLS secrets to this new file, in the format of SSLKEYLOGFILE.", valueName: "file"),
    completion: .file())
  var secretsPath: String?

  func validate() throws {
    guard 1...TraceOrder.longest ~= seconds else { throw ValidationError("--for takes 1 to \(TraceOrder.longest)") }
    guard cookie != (client != nil) else { throw ValidationError("give either CLIENT or --cookie") }
    if cookie, secretsPath != nil {
      throw ValidationError("a connection's secrets are made before its cookie is known: give an address or a name")
    }
    if let client { _ = try Self.subject(of: client) }
  }

  private static func subject(of client: String) throws -> TraceSubject {
    if let subject = TraceSubject(kind: "address", client) ?? TraceSubject(kind: "name", client) { return subject }
    do throws(AddressTextError) { _ = try IPPrefix(parsing: client) } catch {
      if error != .notAnAddress { throw ValidationError("`\(client)` \(error)") }
    }
    throw ValidationError("`\(client)` is neither an address, nor a block of addresses, nor a host name")
  }

  func run() throws {
    let subject = try client.map(Self.subject) ?? Self.readCookie()
    do {
      // Before the trace begins: Ctrl-C ends it in order.
      let signals = try SignalReader([SIGINT, SIGTERM])
      let poller = try Poller()
      try poller.watchLevel(signals.descriptor)
      giveHints(subject)
      // The last of what may fail before the service is asked: no file is left over.
      let secrets = try secretsPath.map(Self.secretsFile)
      var frames = StreamFrames()
      let request = ControlRequest.trace(subject, seconds: seconds, hasSecrets: secrets != nil)
      let socket: Descriptor
      do throws(ControlSocket.Fault) {
        socket = try control.open(request, until: Clock.monotonic() + Self.timeout, &frames)
      } catch {
        if let secretsPath { File.remove(secretsPath) }
        throw ExitCode.failure("\(error)", error.isRefusal ? .failure : ControlSocket.unavailable)
      }
      try poller.watchLevel(socket)
      try follow(subject, socket, &frames, signals, poller, secrets)
    } catch let error as SystemError {
      throw ExitCode.failure("\(error)")
    }
  }

  /// Prints events until the trace is over.
  private func follow(
    _ subject: TraceSubject, _ socket: borrowing Descriptor, _ frames: inout StreamFrames,
    _ signals: borrowing SignalReader, _ poller: borrowing Poller, _ secrets: SharedDescriptor?
  ) throws {
    var hasBegun = false
    while true {
      while let frame = frames.next() {
        switch frame {
        case .data(let bytes):
          let event = try Self.event(bytes)
          if event.kind == .began {
            note(hasBegun ? "a new worker goes on with it" : "\(subject.title): for \(seconds) s, Ctrl-C ends it")
            hasBegun = true
          } else if try !show(event, secrets, signals) {
            return finish("interrupted", signals)
          }
        case .end(let reason): return finish(reason, signals)
        }
      }
      if signals.next() != nil { return finish("interrupted", signals) }
      switch LocalSocket.receive(from: socket, limit: 65_536) {
      case .bytes(let bytes): frames.append(bytes)
      case .ended:
        finish("the service has ended", signals)
        throw ControlSocket.unavailable
      case .nothing:
        if StandardStream.output.hasEnded(within: .zero) { return }
        _ = poller.wait(Interval.seconds(1))
      }
    }
  }

  /// Says that the trace is over: nothing tells of the ends of connections that are open.
  private func finish(_ reason: String, _ signals: borrowing SignalReader) {
    note(reason)
    guard json, StandardStream.output.hasRoom else { return }
    let line = TraceLine(TraceEvent(.ended, at: Clock.wall(), [TraceEvent.Fact(.reason, .text(reason))]))
    _ = StandardStream.output.write(verbatim: line.json + "\n", unless: signals.descriptor)
  }

  private static func event(_ bytes: [UInt8]) throws -> TraceEvent {
    var reader = ByteReader(bytes.span)
    guard let event = try? TraceEvent(reading: &reader) else {
      throw ExitCode.failure(
        "the service sent an event that this version does not understand", ControlSocket.unavailable)
    }
    return event
  }

  /// False: a signal has come while the reader of standard output took nothing.
  private func show(
    _ event: TraceEvent, _ secrets: SharedDescriptor?, _ signals: borrowing SignalReader
  ) throws -> Bool {
    if let text = event.text(.secrets), let secrets {
      let lines = SecretLines.valid(in: text).map { $0 + "\n" }.joined()
      do throws(SystemError) { try File.write(Array(lines.utf8).span, to: secrets.descriptor) } catch {
        throw ExitCode.failure("\(secretsPath ?? ""): \(error)")
      }
    }
    let line = TraceLine(event)
    guard !json else { return StandardStream.output.write(verbatim: line.json + "\n", unless: signals.descriptor) }
    var time = ByteWriter(limit: 64)
    Clock.local(event.time).renderClock(into: &time)
    let text = String(decoding: time.bytes, as: UTF8.self) + "  " + line.text + "\n"
    return StandardStream.output.write(verbatim: text, unless: signals.descriptor)
  }

  /// Why the trace may show nothing.
  private func giveHints(_ subject: TraceSubject) {
    guard let report = try? control.status(within: Self.timeout) else { return }
    // A node without the address has none of the clients that use it.
    if !report.routers.isEmpty, !report.routers.contains(where: { $0.state == .active }) {
      note("\(report.node) is not Active: clients of the virtual address are on another node, and are traced there")
    }
    if case .name(let name) = subject, !report.mayServe(name) {
      note("no service and no certificate has the name \(name): only clients that ask for it all the same are shown")
    }
  }

  /// Never waits for a reader: Ctrl-C is to end it in any case.
  private func note(_ text: String) {
    if StandardStream.error.hasRoom { StandardStream.error.write("trace: \(text)\n") }
  }

  private static func readCookie() throws -> TraceSubject {
    if StandardInput.isTerminal { StandardStream.error.write("The cookie's value: ") }
    guard let line = readLine(), let subject = TraceSubject(kind: "cookie", line) else {
      throw ExitCode.failure("standard input has no cookie's value")
    }
    return subject
  }

  private static func secretsFile(at path: String) throws -> SharedDescriptor {
    do throws(SystemError) { return SharedDescriptor(try File.creatingSecret(at: path)) } catch {
      let why =
        switch error.code {
        case EPERM: "its folder must belong to root or you, and no one else may write to it"
        case EEXIST: "it exists"
        default: "\(error)"
        }
      throw ExitCode.failure("\(path): \(why)")
    }
  }
}
