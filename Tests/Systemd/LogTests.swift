import Logging
import Testing
import Wire

@testable import Systemd

private func event(
  _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata? = nil, error: (any Error)? = nil
) -> LogEvent {
  LogEvent(
    level: level, message: message, error: error, metadata: metadata, source: "test", file: "", function: "", line: 0)
}

private let time = WallTime(milliseconds: 1_763_808_721_123)

@Suite struct `The operational log` {
  @Test func `a line has the time, the level, the role, the message and its fields in order`() {
    var handler = OperationalLogHandler(label: "supervisor", .line)
    handler[metadataKey: "worker"] = "17"
    let line = handler.line(for: event(.notice, "a new worker", ["end": "exit status 1", "a": ""]), at: time)
    #expect(line == #"2025-11-22T10:52:01.123Z notice supervisor: a new worker a="" end="exit status 1" worker=17"#)
  }

  @Test func `a field of the message overrides that of the logger`() {
    var handler = OperationalLogHandler(label: "s", .prefixedLine)
    handler[metadataKey: "worker"] = "17"
    #expect(handler.line(for: event(.info, "m", ["worker": "18"]), at: time) == "<6>s: m worker=18")
  }

  @Test(arguments: [
    (Logger.Level.trace, 7), (.debug, 7), (.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
  ])
  func `in the journal a line begins with syslog's severity (RFC 5424 §6.2.1)`(
    level: Logger.Level, severity: Int
  ) {
    let handler = OperationalLogHandler(label: "s", .prefixedLine)
    #expect(handler.line(for: event(level, "m"), at: time) == "<\(severity)>s: m")
  }

  @Test(arguments: [
    ("plain", "plain"), ("a\nb\r\tc", #"a\nb\r\tc"#), ("\u{1b}[31m", #"\u{1b}[31m"#),
    ("\u{0}\u{7f}\u{9b}", #"\u{0}\u{7f}\u{9b}"#),
    ("a\u{2028}b", #"a\u{2028}b"#), (#"a "b" \c"#, #"a "b" \c"#), ("é ✂", "é ✂"),
  ])
  func `a message is one line without control characters`(message: String, text: String) {
    #expect(LogText.message(message, [:]) == text)
  }

  @Test(arguments: [
    ("plain", "plain"), ("", #""""#), ("two words", #""two words""#), (#"a"b\c"#, #""a\"b\\c""#), ("a=b", #""a=b""#),
    ("é", #""é""#), ("\"\u{301}", "\"\\\"\u{301}\""), ("a\nb", #""a\nb""#), ("192.0.2.1:443", "192.0.2.1:443"),
  ])
  func `a value is quoted unless it is one plain word`(value: String, text: String) {
    #expect(LogText.value(value) == text)
  }

  @Test func `the error of a message is one of its fields`() {
    struct Failure: Error, CustomStringConvertible { let description = "it broke" }
    let handler = OperationalLogHandler(label: "s", .prefixedLine)
    #expect(handler.line(for: event(.error, "m", error: Failure()), at: time) == #"<3>s: m error="it broke""#)
  }

  @Test func `the journal gets each field, and those that the message lacks in its text`() {
    let handler = OperationalLogHandler(label: "worker", .entry)
    #expect(
      handler.fields(for: event(.warning, "server view01 is down", ["server": "view01", "exit-status": "a b"])) == [
        #"MESSAGE=server view01 is down exit-status="a b""#, "PRIORITY=4", "SYSLOG_FACILITY=3",
        "SYSLOG_IDENTIFIER=belvedere", "BELVEDERE_ROLE=worker", "BELVEDERE_EXIT_STATUS=a b", "BELVEDERE_SERVER=view01",
      ])
  }

  @Test func `in the journal's protocol a value of several lines has a length, others end with the line`() {
    let bytes = JournalEntry.encoded(["MESSAGE=a\nb", "PRIORITY=6", "X=\n"])
    let expected =
      Array("MESSAGE\n".utf8) + [3, 0, 0, 0, 0, 0, 0, 0] + Array("a\nb\nPRIORITY=6\nX\n".utf8)
      + [1, 0, 0, 0, 0, 0, 0, 0] + Array("\n\n".utf8)
    #expect(bytes == expected)
  }

  @Test func `a journal entry has no more fields than its limit`() {
    let metadata = Logger.Metadata(uniqueKeysWithValues: (0..<100).map { ("k\($0)", "v") })
    let handler = OperationalLogHandler(label: "worker", .entry)
    #expect(handler.fields(for: event(.info, "m", metadata)).count == OperationalLogHandler.fieldLimit)
  }
}

@Suite struct `Notifications to systemd` {
  @Test(arguments: [
    (ServiceNotification.ready, "READY=1"), (.stopping, "STOPPING=1"), (.watchdog, "WATCHDOG=1"),
    (.status("serving"), "STATUS=serving"), (.status("a\nREADY=1"), #"STATUS=a\nREADY=1"#),
    (.reloading(at: Instant(nanoseconds: 1_234_567_890)), "RELOADING=1\nMONOTONIC_USEC=1234567"),
    (.extendTimeout(.seconds(34)), "EXTEND_TIMEOUT_USEC=34000000"),
    (.forget(name: "listener-a"), "FDSTOREREMOVE=1\nFDNAME=listener-a"),
  ])
  func `a notification is one assignment of sd_notify(3)`(notification: ServiceNotification, text: String) {
    #expect(notification.text == text)
  }
}
