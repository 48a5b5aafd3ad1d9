import Domain
import Exchange
import HTTP1
import Linux
import Testing
import Wire

@testable import Worker

private let trusting = "forwarded: { trusted-proxies: [127.0.0.1], proxy-protocol: on }\n"
private let line = "PROXY TCP4 10.0.2.7 10.0.2.1 50312 443\r\n"
private let block =
  "\r\n\r\n\0\r\nQUIT\n!\u{11}\0\u{13}" + "\n\0\u{2}\u{7}\n\0\u{2}\u{1}\u{4}\u{2}\u{1}\u{2}" + "\u{4}\0\u{4}view"
private let local = "\r\n\r\n\0\r\nQUIT\n \0\0\u{3}abc"

/// A trusted proxy's connection, passed through unread except for its header.
@Suite struct `A connection with a PROXY protocol header` {
  @Test(arguments: [line, block], [true, false])
  func `has the client named by the header, and passes the following bytes on`(header: String, isWhole: Bool) throws {
    var testLoop = try TestLoop.make(settings: trusting, isPassthrough: true)
    var client = try testLoop.connect()
    try testLoop.until("it is accepted") { $0.loop.clients.count == 1 }
    let key = try #require(testLoop.loop.clients.keys.first)
    let own = testLoop.loop.clients[key].client.peer.account
    if isWhole {
      client.send(header + "hello")
    } else {
      for character in header.unicodeScalars {
        #expect(testLoop.loop.clients[key].phase == .awaitingHeader && testLoop.loop.clients[key].isSilent)
        client.send(String(character))
        testLoop.turn(waiting: 5)
      }
      client.send("hello")
    }
    var server = try testLoop.accept()
    #expect(try testLoop.receive(&server, until: "hello") == "hello")
    let port = header == line ? 50312 : 0x402
    #expect(testLoop.loop.clients[key].client.peer.endpoint.description == "10.0.2.7:\(port)")
    #expect(testLoop.loop.clients[key].client.peer.account != own || testLoop.loop.clients.count == 1)
    #expect(!testLoop.loop.clients[key].client.forwarding.isPeerTrusted)
  }

  @Test(arguments: [local, "PROXY UNKNOWN\r\n"])
  func `is the proxy's own if the header names no client`(header: String) throws {
    var testLoop = try TestLoop.make(settings: trusting, isPassthrough: true)
    var client = try testLoop.connect()
    client.send(header + "hello")
    var server = try testLoop.accept()
    #expect(try testLoop.receive(&server, until: "hello") == "hello")
    let key = try #require(testLoop.loop.clients.keys.first)
    #expect(testLoop.loop.clients[key].client.peer.endpoint.address.description == "127.0.0.1")
    #expect(testLoop.loop.clients[key].client.forwarding.isPeerTrusted == (header == local))
  }

  @Test func `is closed and counted if the header is missing or incomplete`() throws {
    var testLoop = try TestLoop.make(settings: trusting, isPassthrough: true)
    var other = try testLoop.connect()
    other.send("GET / HTTP/1.1\r\n")
    #expect(try testLoop.receiveEnd(&other) != nil)
    #expect(testLoop.loop.context.reports.counters.refused.connections == 1)
    var half = try testLoop.connect()
    half.send(String(line.dropLast(5)))
    half.sendEnd()
    #expect(try testLoop.receiveEnd(&half) != nil)
    #expect(testLoop.loop.context.reports.counters.refused.connections == 2)
    // A connection without a byte is a check of the port.
    var check = try testLoop.connect()
    check.sendEnd()
    #expect(try testLoop.receiveEnd(&check) != nil)
    #expect(testLoop.loop.context.reports.counters.refused.connections == 2)
    #expect(try testLoop.isDeserted())
  }

  @Test(arguments: ["", "PROXY"])
  func `is closed and counted if the header is late, whatever the time-out of handshakes`(begin: String) throws {
    let times = "timeouts: { proxy-header: 2s, tls-handshake: 10s }\n"
    var testLoop = try TestLoop.make(settings: trusting + times, isPassthrough: true)
    var client = try testLoop.connect()
    client.send(begin)
    try testLoop.until("it is accepted") { $0.loop.clients.count == 1 }
    testLoop.pass(.milliseconds(1_900))
    #expect(testLoop.loop.clients.count == 1)
    testLoop.pass(.milliseconds(200))
    #expect(try testLoop.receiveEnd(&client) != nil)
    let refused = testLoop.loop.context.reports.counters.refused
    #expect(refused.connections == 1 && refused.handshakes == 0)
    #expect(try testLoop.isDeserted())
  }

  @Test func `has the whole time-out of handshakes after its header`() throws {
    var testLoop = try TestLoop.make(
      settings: trusting + "timeouts: { proxy-header: 3s, tls-handshake: 2s }\n")
    // No TLS of its own: it never begins its handshake.
    var client = try TestServer(connectingTo: testLoop.endpoint, nil)
    try testLoop.until("it is accepted") { $0.loop.clients.count == 1 }
    let key = try #require(testLoop.loop.clients.keys.first)
    testLoop.pass(.milliseconds(2_500))
    #expect(testLoop.loop.clients[key].phase == .awaitingHeader)
    client.send(line)
    try testLoop.until("the header is read") { $0.loop.clients[key].phase == .handshaking }
    testLoop.pass(.milliseconds(1_500))
    #expect(testLoop.loop.clients.count == 1)
    testLoop.pass(.seconds(1))
    #expect(testLoop.loop.clients.count == 0)
    let refused = testLoop.loop.context.reports.counters.refused
    #expect(refused.connections == 0 && refused.handshakes == 1)
  }

  @Test func `counts for its client's limit`() throws {
    let limits = "limits: { connections-per-address: 1 }\n"
    var testLoop = try TestLoop.make(settings: trusting + limits, isPassthrough: true)
    var first = try testLoop.connect()
    first.send(line + "hello")
    var server = try testLoop.accept()
    #expect(try testLoop.receive(&server, until: "hello") == "hello")
    var second = try testLoop.connect()
    second.send(line + "hello")
    #expect(try testLoop.receiveEnd(&second) != nil)
    var another = try testLoop.connect()
    another.send("PROXY TCP6 2001:db8::7 2001:db8::1 50312 443\r\nhello")
    var next = try testLoop.accept()
    #expect(try testLoop.receive(&next, until: "hello") == "hello")
    // When the first one ends, its place is free again.
    first.vanish()
    try testLoop.until("the first has left") { $0.loop.clients.count == 1 }
    var third = try testLoop.connect()
    third.send(line + "hello")
    server = try testLoop.accept()
    #expect(try testLoop.receive(&server, until: "hello") == "hello")
  }
}
