import Control
import Foundation
import TLS
import Testing
import Wire

@testable import Observe

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

@Suite struct `The page` {
  private static let document = String(decoding: Page.document, as: UTF8.self)

  private static func digest(of element: String) throws -> String {
    let start = try #require(document.firstRange(of: "<\(element)>")?.upperBound)
    let end = try #require(document[start...].firstRange(of: "</\(element)>")?.lowerBound)
    return Data(Digest.sha256(Array(document[start..<end].utf8))).base64EncodedString()
  }

  @Test func `its policy has the digests of its style and its script`() throws {
    #expect(try Self.digest(of: "style") == Page.styleDigest)
    #expect(try Self.digest(of: "script") == Page.scriptDigest)
  }

  @Test func `refers to no other place, and has no markup made of text`() {
    for word in [
      "http://", "https://", "src=", "@import", "url(", "innerHTML", "insertAdjacentHTML", "eval(", "style=",
    ] {
      let found = Self.document.replacing("http://www.w3.org/2000/svg", with: "").contains(word)
      #expect(!found, "\(word)")
    }
  }

  @Test func `an open page gets each report, and the plots with every new value`() {
    var site = ObserverSite(version: "1", token: nil)
    let unseen = site.update(sampleReport, at: at(0), isShown: false)
    #expect(unseen.isEmpty)
    let next = String(decoding: site.update(sampleReport, at: at(1), isShown: true), as: UTF8.self)
    #expect(next == "event: report\ndata: \(sampleReport.json)\n\n")
    let later = String(decoding: site.update(sampleReport, at: at(30), isShown: true), as: UTF8.self)
    #expect(later.hasPrefix("event: past\ndata: {\"connections\":[1204,1204],") && later.contains("event: report\n"))
    let answer = site.answer(ObserverRequest(path: "/events"), isAdmitted: true, at: at(31))
    #expect(answer.isStream && answer.mediaType == "text/event-stream")
    #expect(String(decoding: answer.body, as: UTF8.self).contains("event: version\ndata: 1\n\n"))
    #expect(String(decoding: answer.body, as: UTF8.self).contains("event: report\n"))
    let old = site.answer(ObserverRequest(path: "/events"), isAdmitted: true, at: at(100))
    #expect(!String(decoding: old.body, as: UTF8.self).contains("event: report\n"))
  }

  @Test func `the last hour has a gap where there was no report, and is bounded`() {
    var history = ReportHistory(step: .seconds(30))
    var report = sampleReport
    report.servers.removeLast(2)
    let added = [0, 29, 95].map { history.note(report, at: at($0)) }
    #expect(added == [true, false, true])
    #expect(history.json.contains(#""sessions":[12,null,null,12]"#))
    #expect(history.json.contains(#""view/view01":[12,null,null,12]"#))
    for step in 4...500 { _ = history.note(report, at: at(UInt64(step) * 30)) }
    #expect(history.json.split(separator: ",").count < 4 * ReportHistory.limit + 4)
    _ = history.note(report, at: at(10_000_000))
    #expect(history.json.contains("null,12]"))
    report.servers = []
    _ = history.note(report, at: at(20_000_000))
    #expect(history.json.contains(#""servers":{}"#))
  }
}

@Suite struct `A stream of events` {
  private static func opened() -> ObserverConnection {
    var connection = ObserverConnection(at: at(0))
    _ = connection.handle(.received(Array("GET /events HTTP/1.1\r\nHost: x\r\n\r\n".utf8)), at: at(0))
    var answer = ObserverAnswer.ok(Array("first".utf8), as: "text/event-stream")
    answer.isStream = true
    _ = connection.handle(.answered(answer), at: at(0))
    return connection
  }

  private static func output(_ connection: ObserverConnection) -> String {
    String(decoding: connection.output, as: UTF8.self)
  }

  /// Takes all that is to be sent: the head, and then the body.
  private static func take(from connection: inout ObserverConnection) -> String {
    var text = ""
    while !connection.output.isEmpty {
      text += output(connection)
      _ = connection.handle(.sent(connection.output.count), at: at(1))
    }
    return text
  }

  @Test func `continues after the first answer, without a length`() {
    var connection = Self.opened()
    let answer = Self.take(from: &connection)
    #expect(answer.hasSuffix("\r\n\r\nfirst"))
    #expect(!answer.contains("Content-Length"))
    #expect(connection.output.isEmpty && connection.deadline == nil)
    _ = connection.handle(.continued(Array("second".utf8)), at: at(100))
    #expect(Self.output(connection) == "second" && connection.deadline == at(130))
  }

  @Test func `a slow client gets the latest only, and loses its connection when it takes nothing`() {
    var connection = Self.opened()
    _ = Self.take(from: &connection)
    for text in ["one", "two", "three"] { _ = connection.handle(.continued(Array(text.utf8)), at: at(2)) }
    _ = connection.handle(.sent(1), at: at(3))
    #expect(Self.output(connection) == "ne")
    _ = connection.handle(.sent(2), at: at(20))
    #expect(Self.output(connection) == "three" && connection.deadline == at(50))
    _ = connection.handle(.timer, at: at(50))
    #expect(connection.state == .over)
  }

  @Test func `counts among those that are sent to until its client has taken all`() {
    var connection = Self.opened()
    #expect(connection.isSending && connection.isStreaming)
    _ = Self.take(from: &connection)
    #expect(!connection.isSending && connection.isStreaming)
    _ = connection.handle(.continued(Array("second".utf8)), at: at(2))
    #expect(connection.isSending)
  }

  @Test func `what the client sends is ignored, and its end is the end`() {
    var connection = Self.opened()
    let request = connection.handle(.received(Array("GET / HTTP/1.1\r\n\r\n".utf8)), at: at(1))
    #expect(request == nil && connection.isStreaming)
    _ = connection.handle(.ended, at: at(2))
    #expect(connection.state == .over)
  }
}
