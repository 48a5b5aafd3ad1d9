import Configuration
import Domain
import Glibc
import Linux
import Testing
import Wire

@testable import Worker

/// Two entries; the first has fields for the journal.
private let batch = AccessLogBatch(
  bytes: Array("GET /a\nBELVEDERE_CLIENT=192.0.2.7\nBELVEDERE_SERVER=view01\nGET /b\n".utf8), ends: [58, 65],
  hasFields: true)

@Suite struct `Targets of the access log` {
  let directory = Directory()
  var path: String { directory.path + "/log" }

  @Test func `a batch that is appended to another keeps its entries`() {
    var two = AccessLogBatch(bytes: Array("GET /0\n".utf8), ends: [7])
    two.append(batch)
    var seen: [String] = []
    two.forEach { line, fields in
      seen.append(String(decoding: line, as: UTF8.self) + "|" + String(decoding: fields, as: UTF8.self))
    }
    #expect(seen == ["GET /0|", "GET /a|BELVEDERE_CLIENT=192.0.2.7\nBELVEDERE_SERVER=view01\n", "GET /b|"])
  }

  @Test func `syslog gets a datagram for each line, by RFC 3164 and without fields`() throws {
    let daemon = try LogDaemon(at: path)
    var sink = AccessLogSink(.syslog, at: path, facility: .local2)
    #expect(sink.write(batch) == 0)
    // Facility local2 and severity informational, as with HAProxy's `log /dev/log local2`.
    for line in ["GET /a", "GET /b"] {
      let message = daemon.receive()
      let number = CurrentProcess.identifier
      #expect(message.hasPrefix("<150>") && message.hasSuffix(" belvedere[\(number)]: \(line)"), "\(message)")
      #expect(message.utf8.count == "<150>Nov  2 01:02:03 belvedere[\(number)]: \(line)".utf8.count)
    }
  }

  @Test func `the journal gets the fields of each line`() throws {
    let daemon = try LogDaemon(at: path)
    var sink = AccessLogSink(.journal, at: path, facility: .daemon)
    #expect(sink.write(batch) == 0)
    let constant = "PRIORITY=6\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=belvedere\nBELVEDERE_ROLE=worker\n"
    #expect(
      daemon.receive() == "MESSAGE=GET /a\nBELVEDERE_CLIENT=192.0.2.7\nBELVEDERE_SERVER=view01\n" + constant)
    #expect(daemon.receive() == "MESSAGE=GET /b\n" + constant)
  }

  @Test func `a file gets the lines only`() throws {
    var sink = try AccessLogSink(.file(path), facility: .daemon)
    #expect(sink.write(batch) == 0)
    #expect(try File.contents(of: path, limit: 1000) == Array("GET /a\nGET /b\n".utf8))
  }

  @Test func `a stream that stops within a line gets the rest first, and lost lines are counted`() throws {
    _ = signal(SIGPIPE, SIG_IGN)
    try #require(unsafe mkfifo(path, 0o600) == 0)
    let first = unsafe open(path, O_RDONLY | O_NONBLOCK)
    var sink = try AccessLogSink(.file(path), facility: .daemon)
    // More than a pipe holds, so that the writer blocks within it.
    var large = AccessLogBatch()
    for number in 0..<2_000 { large.append(line(number)) }
    let reader = try Thread(name: "reader") {
      while unread(first) < 1 << 16 { usleep(1_000) }
      close(first)
    }
    let lost = sink.write(large)
    reader.join()
    #expect(lost > 0 && lost < 2_000 && sink.isInLine)

    let second = unsafe open(path, O_RDONLY | O_NONBLOCK)
    defer { close(second) }
    var taken = everything(second)
    #expect(sink.write(line(2_000)) == 0 && !sink.isInLine)
    taken += everything(second)
    let lines = taken.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    #expect(lines.last == [] && lines.count - 1 == 2_001 - lost)
    #expect(lines.dropLast().allSatisfy { $0.count == 97 })
  }

  @Test func `lines without a syslog daemon are lost and counted, and the next daemon gets the later ones`() throws {
    var sink = AccessLogSink(.syslog, at: path, facility: .daemon)
    #expect(sink.write(batch) == 2)
    do {
      let daemon = try LogDaemon(at: path)
      #expect(sink.write(batch) == 0)
      _ = daemon.receive()
    }
    #expect(sink.write(batch) == 2)
    let daemon = try LogDaemon(at: path)
    #expect(sink.write(batch) == 0)
    #expect(daemon.receive().hasSuffix("GET /a"))
  }
}

/// One entry of 98 bytes.
private func line(_ number: Int) -> AccessLogBatch {
  let text = "\(number)"
  return AccessLogBatch(
    bytes: Array((text + String(repeating: "x", count: 97 - text.utf8.count) + "\n").utf8), ends: [98])
}

/// Bytes pending in a pipe.
private func unread(_ descriptor: Int32) -> Int32 {
  var count: Int32 = 0
  _ = unsafe ioctl(descriptor, UInt(FIONREAD), &count)
  return count
}

private func everything(_ descriptor: Int32) -> [UInt8] {
  var taken: [UInt8] = []
  var bytes = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = unsafe read(descriptor, &bytes, bytes.count)
    guard count > 0 else { return taken }
    taken += bytes.prefix(count)
  }
}

/// A socket that datagrams are sent to.
private final class LogDaemon {
  private let socket: Int32
  private let path: String

  init(at path: String) throws {
    self.path = path
    socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let bound = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe bind(socket, __CONST_SOCKADDR_ARG(__sockaddr__: pointer), socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
  }

  deinit {
    close(socket)
    unsafe unlink(path)
  }

  /// The next datagram.
  func receive() -> String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe recv(socket, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
