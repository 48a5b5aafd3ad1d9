import Balancing
import Foundation
import HTTP1
import Linux
import Logging
import Synchronization
import TLS
import Testing
import Wire

@testable import Configuration
@testable import Worker

@Suite struct `The affinity file` {
  let directory = Directory()
  let recorded = RecordedLog()
  let first = ServerID(name: "view01")
  let second = ServerID(name: "view02")

  var path: String { directory.path + "/affinity" }

  func client(_ number: UInt32) -> ClientKey { ClientKey(IPAddress(v4: number)) }

  /// The assignments of a worker that starts now.
  func start(
    _ settings: (inout Configuration.Affinity) -> Void = { _ in }, secrets: PairSecrets? = nil
  ) throws -> AffinityStore {
    var affinity = Configuration.Affinity()
    settings(&affinity)
    return try AffinityStore(
      affinity, secrets, restoring: AffinityFiles.read(path, recorded.log), at: Clock.monotonic(), wall: Clock.wall())
  }

  /// Keeps the assignments in the file until their worker ends.
  func keep(_ affinity: AffinityStore) throws {
    let file = try AffinityFiles([], log: recorded.log, at: Clock.monotonic())
    file.adopt([.init(path: path, affinity: affinity)], at: Clock.monotonic())
    end(file)
  }

  func end(_ file: AffinityFiles) {
    file.save()
    file.waitForEnd(until: Clock.monotonic() + .seconds(60))
  }

  func assign(_ affinity: AffinityStore, _ numbers: Range<UInt32>, to server: ServerID) {
    for number in numbers {
      let session = affinity.addresses.sessionBegan(client(number), on: server, at: Clock.monotonic())
      affinity.addresses.sessionEnded(session, at: Clock.monotonic())
    }
  }

  @Test func `the next worker restores each client`() throws {
    let affinity = try start()
    assign(affinity, 0..<3_000, to: first)
    assign(affinity, 1_000..<4_000, to: second)
    try keep(affinity)
    let next = try start()
    #expect(next.count == 4_000)
    for number in 0..<4_000 as Range<UInt32> {
      #expect(next.addresses.lookup(client(number), at: Clock.monotonic()) == (number < 1_000 ? first : second))
    }
    #expect(
      next.snapshot(at: Clock.monotonic(), wall: WallTime(seconds: 0)).tokenHash
        == affinity.snapshot(at: Clock.monotonic(), wall: WallTime(seconds: 0)).tokenHash)
    let line = try #require(recorded.lines.first)
    #expect(recorded.lines.count == 1 && line.hasPrefix("info affinity: \(path) has 4000 clients, of "), "\(line)")
  }

  @Test func `clients are restored by their cookies, which the file does not contain`() throws {
    let cookie = SessionCookie(name: "JSESSIONID")
    let byCookie = { (settings: inout Configuration.Affinity) in
      settings.by = [cookie.map { .cookie($0) } ?? .clientAddress]
    }
    let affinity = try start(byCookie)
    let value = Array("3f2504e04f8911d39a0c".utf8)
    let session = affinity.cookies.sessionBegan(
      affinity.client(ofToken: value.span), on: second, at: Clock.monotonic())
    affinity.cookies.sessionEnded(session, at: Clock.monotonic())
    try keep(affinity)
    let bytes = Array(FileManager.default.contents(atPath: path) ?? Data())
    // Nor a part of it, in either order of bytes.
    for start in 0...value.count - 8 {
      let part = Array(value[start..<start + 8])
      #expect(bytes.firstRange(of: part) == nil && bytes.firstRange(of: part.reversed()) == nil)
    }
    let next = try start(byCookie)
    #expect(next.cookies.lookup(next.client(ofToken: value.span), at: Clock.monotonic()) == second)
    // Without a cookie in the configuration they are not used.
    #expect(try start().count == 0)
  }

  @Test func `a flood of clients of one kind evicts none of another kind`() throws {
    let cookie = try #require(SessionCookie(name: "JSESSIONID"))
    let byAll = { (settings: inout Configuration.Affinity) in
      settings.by = [.tunnel, .cookie(cookie), .clientAddress]
      settings.entries = 160
    }
    let affinity = try start(byAll)
    let key = affinity.client(ofToken: Array("3F25".utf8).span)
    let tables = [affinity.addresses, affinity.cookies, affinity.tunnels]
    for (place, table) in tables.enumerated() {
      for kept in tables { kept.assign(key, to: second, at: Clock.monotonic()) }
      for number in 0..<4_000 as Range<UInt32> {
        table.assign(affinity.client(ofToken: Array("\(number)".utf8).span), to: first, at: Clock.monotonic())
      }
      #expect(tables.map { $0.lookup(key, at: Clock.monotonic()) == second } == tables.indices.map { $0 != place })
      #expect(table.count == 160)
    }
  }

  @Test func `the file distinguishes clients by cookie and by tunnel with the same token`() throws {
    let cookie = try #require(SessionCookie(name: "JSESSIONID"))
    let byBoth = { (settings: inout Configuration.Affinity) in settings.by = [.tunnel, .cookie(cookie)] }
    let affinity = try start(byBoth)
    let key = affinity.client(ofToken: Array("3F25".utf8).span)
    affinity.cookies.assign(key, to: first, at: Clock.monotonic())
    affinity.tunnels.assign(key, to: second, at: Clock.monotonic())
    try keep(affinity)
    let next = try start(byBoth)
    #expect(next.cookies.lookup(key, at: Clock.monotonic()) == first)
    #expect(next.tunnels.lookup(key, at: Clock.monotonic()) == second)
    // Unused tables are not written.
    #expect(try start { $0.by = [.tunnel] }.count == 1)
  }

  /// A secret of this byte, and the ones that it replaces.
  func secrets(_ bytes: UInt8...) throws -> PairSecrets {
    let lines = bytes.map { Hexadecimal.text([UInt8](repeating: $0, count: 32)) + "\n" }
    return try PairSecrets(parsing: Array(lines.joined().utf8).span)
  }

  @Test func `nodes with one secret hash cookies with the same keys, also during a change`() throws {
    let token = Array("3F25".utf8)
    let key = try start(secrets: secrets(1)).client(ofToken: token.span)
    #expect(try start(secrets: secrets(1)).client(ofToken: token.span) == key)
    #expect(try start(secrets: secrets(2, 1)).client(ofToken: token.span) == key)
    #expect(try start(secrets: secrets(2)).client(ofToken: token.span) != key)
    #expect(try start().client(ofToken: token.span) != key)
    let changed = try start(secrets: secrets(2))
    changed.adopt(Configuration.Affinity(), try secrets(3, 1))
    #expect(changed.client(ofToken: token.span) == key)
  }

  @Test func `from a file of another secret only addresses are restored`() throws {
    let cookie = try #require(SessionCookie(name: "JSESSIONID"))
    let byAll = { (settings: inout Configuration.Affinity) in settings.by = [.tunnel, .cookie(cookie), .clientAddress] }
    let affinity = try start(byAll, secrets: secrets(1))
    let key = affinity.client(ofToken: Array("3F25".utf8).span)
    for table in [affinity.addresses, affinity.cookies, affinity.tunnels] {
      table.assign(key, to: first, at: Clock.monotonic())
    }
    try keep(affinity)
    #expect(try start(byAll, secrets: secrets(2, 1)).count == 3)
    for other in [try start(byAll, secrets: secrets(2)), try start(byAll, secrets: secrets(3, 2))] {
      #expect(other.count == 1)
      #expect(other.addresses.lookup(key, at: Clock.monotonic()) == first)
    }
    // A node that leaves the pair keeps its assignments.
    #expect(try start(byAll).count == 3)
  }

  @Test func `the file is readable by its owner only, and the temporary file is removed`() throws {
    _ = FileManager.default.createFile(atPath: path + ".new", contents: Data("left by a crash".utf8))
    try keep(try start())
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["affinity"])
  }

  @Test func `a missing file is not logged`() throws {
    #expect(try start().count == 0)
    #expect(recorded.lines.isEmpty)
  }

  @Test(arguments: [
    ("service: view.test\n", "is no affinity file"), ("", "is no affinity file"),
    ("BELVAFF\n\0\0\0\u{2}whatever", "was written by a later release (version 2 of the file)"),
    ("BELVAFF\n\0\0\0\u{1}whatever", "is damaged"),
  ])
  func `an invalid file is ignored with one log line`(text: String, words: String) throws {
    _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8))
    #expect(try start().count == 0)
    #expect(recorded.lines == ["warning affinity: \(path) \(words); the file is ignored"])
  }

  @Test func `an unreadable file is ignored with one log line`() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(try start().count == 0)
    #expect(
      recorded.lines == ["warning affinity: read \(path): Is a directory (EISDIR); the file is ignored"])
  }

  @Test func `a new hold time applies, and a smaller table keeps what fits`() throws {
    let affinity = try start()
    assign(affinity, 0..<500, to: first)
    try keep(affinity)
    #expect(try start { $0.entries = 160 }.count <= 160)
    #expect(try start { $0.hold = Interval(nanoseconds: 1) }.count == 0)
  }

  @Test func `nothing is written before the first change`() throws {
    let file = try AffinityFiles(
      [.init(path: path, affinity: try start())], log: recorded.log, at: Clock.monotonic())
    file.tick(at: .distantFuture)
    end(file)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `a change is written within a minute`() throws {
    let affinity = try start()
    let began = Clock.monotonic()
    let file = try AffinityFiles([.init(path: path, affinity: affinity)], log: recorded.log, at: began)
    assign(affinity, 0..<5, to: first)
    file.tick(at: began + .seconds(59))
    #expect(!FileManager.default.fileExists(atPath: path))
    file.tick(at: began + .seconds(60))
    while !FileManager.default.fileExists(atPath: path) { usleep(1_000) }
    #expect(try start().count == 5)
    end(file)
  }

  @Test func `a failure is logged once, and so is its end`() throws {
    let affinity = try start()
    let now = Clock.monotonic()
    let file = try AffinityFiles(
      [.init(path: directory.path + "/later/affinity", affinity: affinity)], log: recorded.log, at: now)
    for round in 1...3 as ClosedRange<UInt64> {
      assign(affinity, 0..<5, to: first)

      file.tick(at: now + .minutes(round))
      while recorded.lines.isEmpty { usleep(1_000) }

    }
    try FileManager.default.createDirectory(atPath: directory.path + "/later", withIntermediateDirectories: false)
    end(file)
    #expect(
      recorded.lines == [
        "warning affinity: open \(directory.path)/later/affinity.new: No such file or directory (ENOENT); "
          + "assignments are not kept across a restart",
        "notice affinity: \(directory.path)/later/affinity can be written again",
      ])
  }
}

/// A directory for one test.
final class Directory {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "belvedere-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The lines of a log: level and message.
final class RecordedLog: Sendable {
  private let all = Mutex<[String]>([])

  var lines: [String] { all.withLock { $0 } }

  var log: Logger { Logger(label: "test") { _ in Handler(recorded: self) } }

  private struct Handler: LogHandler {
    let recorded: RecordedLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { recorded.all.withLock { $0.append("\(event.level) \(event.message)") } }
  }
}
