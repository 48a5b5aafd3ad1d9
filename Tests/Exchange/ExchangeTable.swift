import Balancing
import HTTP1
import Wire

@testable import Exchange

/// What an exchange answers to everything that can happen, in every state it can be in, as text to be read.
enum ExchangeTable {
  /// A situation, and how one gets there from nothing.
  private struct Situation: Sendable {
    let name: String
    let arrive: @Sendable (inout TestExchange) -> Void
  }

  private static let situations = [
    Situation(name: "Waiting for a request") { _ in },
    Situation(name: "A request is begun") { $0.receive("GET / HT") },
    Situation(name: "A request's head is complete") { $0.read(request()) },
    Situation(name: "The request is for a server to be chosen") { $0.receive(request()) },
    Situation(name: "Queued") {
      $0.receive(request())
      $0.tell(.queued(isOther: false))
    },
    Situation(name: "Connecting") {
      $0.receive(request())
      $0.connect()
    },
    Situation(name: "Connecting, for a second") {
      $0.receive(request())
      $0.connect()
      $0.pass(.seconds(1))
      $0.tell(.timer([]))
    },
    Situation(name: "Paused for want of something on this machine") {
      $0.receive(request())
      $0.connect()
      $0.tell(.connectFailed(isShortage: true))
    },
    Situation(name: "A POST is ready to be sent") {
      $0.receive(request("POST", "Content-Length: 5", body: "hello"))
      $0.attempt()
    },
    Situation(name: "A GET is sent") { $0.ask(request()) },
    Situation(name: "A GET is sent, and not answered for a second") {
      $0.ask(request())
      $0.pass(.seconds(1))
      $0.tell(.timer([]))
    },
    Situation(name: "A GET is sent on a connection that had served before") { $0.ask(request(), isReused: true) },
    Situation(name: "A POST is sent") { $0.ask(request("POST", "Content-Length: 5", body: "hello")) },
    Situation(name: "A POST is sent in part") { $0.ask(request("POST", "Content-Length: 9", body: "hello")) },
    Situation(name: "An answer is begun: 103") {
      $0.ask(request())
      $0.answer(response(103))
    },
    Situation(name: "An answer is read, and nothing of it sent") {
      $0.ask(request())
      $0.answer(response(200, "Transfer-Encoding: chunked", body: "5\r\nhello\r\n"))
    },
    Situation(name: "An answer goes out") {
      $0.ask(request())
      $0.answer(response(200, "Transfer-Encoding: chunked", body: "5\r\nhello\r\n"))
      $0.deliverHeads()
    },
    Situation(name: "An answer goes out that ends with its connection") {
      $0.ask(request())
      $0.answer(response(200, body: "hello"))
      $0.deliverHeads()
    },
    Situation(name: "An answer has gone out") {
      $0.ask(request())
      $0.answer(response(200, "Content-Length: 5", body: "hello"))
      $0.deliver()
    },
    Situation(name: "An answer has gone out, and its server closes") {
      $0.ask(request())
      $0.answer(response(200, "Content-Length: 5", "Connection: close", body: "hello"))
      $0.deliver()
    },
    Situation(name: "A stream: the answer began before the request had ended") {
      $0.ask(request("POST", "Transfer-Encoding: chunked"))
      $0.answer(response(200, "Transfer-Encoding: chunked", body: "2\r\nhi\r\n"))
      $0.deliverHeads()
    },
    Situation(name: "A tunnel after an upgrade") {
      $0.ask(upgradeRequest)
      $0.answer(upgradeResponse)
    },
    Situation(name: "A page of our own goes out") {
      $0.receive(request())
      $0.tell(.noServer)
    },
    Situation(name: "A redirect goes out") {
      $0.exchange = Exchange(number: 1, kind: .redirected, retries: $0.policy.retries, at: $0.now)
      $0.receive(request())
    },
    Situation(name: "Passed through, a server to be chosen") { $0.becomeTunnel() },
    Situation(name: "Passed through, connecting") {
      $0.becomeTunnel()
      $0.connect()
    },
    Situation(name: "Passed through, bytes sent") {
      $0.becomeTunnel()
      $0.attempt()
      $0.receive("hello")
      $0.send()
    },
    Situation(name: "Passed through, bytes answered") {
      $0.becomeTunnel()
      $0.attempt()
      $0.answer("hello")
    },
    Situation(name: "Done") {
      $0.receive(request())
      $0.tell(.noServer)
      $0.tell(.replied)
    },
  ]

  /// What is passed to the functions that read.
  private static let readings: [(String, @Sendable (inout TestExchange) -> Effects)] = [
    ("the client's bytes are refused", { $0.fromClient("nonsense\r\n\r\n") }),
    ("the client ends its direction", { $0.fromClient("", end: .closed) }),
    ("the client's connection is cut", { $0.fromClient("", end: .cut) }),
    ("the client's connection is ended for a flood", { $0.fromClient("", end: .flooded) }),
    ("the server's bytes are malformed", { $0.fromServer("nonsense\r\n\r\n") }),
    ("the server closes", { $0.fromServer("", end: .closed) }),
    ("the server's connection is cut", { $0.fromServer("", end: .cut) }),
  ]

  private static let events: [(String, Exchange.Event)] = [
    ("the request is complete, for a name of ours", .accepted(isLast: false)),
    ("the request is for another name", .denied(.hostNotServed)),
    ("the client left", .clientLeft(isFlood: false)),
    ("the client was cut off for a flood", .clientLeft(isFlood: true)),
    ("no server can take it", .noServer),
    ("there is a place", .placed(isOther: false)),
    ("there is none free", .queued(isOther: false)),
    ("the queue is full", .queueFull(isOther: false)),
    ("the server that it waits for takes nobody", .displaced),
    ("a connection is being made", .connecting),
    ("a connection is open", .connected(isReused: false)),
    ("no connection: refused", .connectFailed(isShortage: false)),
    ("no connection: this machine's shortage", .connectFailed(isShortage: true)),
    ("the request's head is too large", .requestHeadTooLarge),
    ("the answer's head is too large", .answerHeadTooLarge),
    ("everything has gone out", .relayed(isSent: true, isTaken: true, isStopping: false)),
    ("everything has gone out, the worker stops", .relayed(isSent: true, isTaken: true, isStopping: true)),
    ("all but what the server did not take", .relayed(isSent: true, isTaken: false, isStopping: false)),
    ("the server takes nobody any more", .serverDown(.present, keeps: false, isLast: false)),
    ("the server is silent", .serverDown(.silent, keeps: false, isLast: false)),
    ("the server is silent, and so are the others", .serverDown(.silent, keeps: false, isLast: true)),
    ("the server is lost", .serverDown(.lost, keeps: false, isLast: true)),
    ("the server is lost, and requests are kept", .serverDown(.lost, keeps: true, isLast: false)),
    ("our answer has gone out", .replied),
    ("the redirect is too long", .redirectTooLarge),
    ("the page is too large", .pageTooLarge),
    ("the worker stops", .stop),
    ("the client makes room for others", .abandoned(isStopping: false)),
    ("the time to stop is over", .abandoned(isStopping: true)),
  ]

  static var text: String {
    var text = """
      What an exchange answers, as Sources/Exchange decides. Written by
      BELVEDERE_UPDATE_GOLDEN=1 swift test --filter ExchangeTable; read the difference before it is committed.

      Each row begins anew in the state above it: what happens | the state afterwards, the time until something expires
      in it | what is to be done, in order. What changes nothing has no row.
      """
    for situation in situations {
      text += "\n\n## \(situation.name)\n"
      text += "\n" + "now".padded(to: 45) + "| " + start(situation).summary
      for (name, happen) in readings {
        if let row = row(situation, name, happen) { text += "\n" + row }
      }
      for (name, event) in events {
        if let row = row(situation, name, { $0.tell(event) }) { text += "\n" + row }
      }
      if let row = row(situation, "the time is over", { $0.expire() }) { text += "\n" + row }
    }
    return text + "\n"
  }

  private static func start(_ situation: Situation) -> TestExchange {
    var test = TestExchange()
    test.pass(.seconds(1))
    situation.arrive(&test)
    return test
  }

  private static func row(
    _ situation: Situation, _ name: String, _ happen: (inout TestExchange) -> Effects
  ) -> String? {
    var test = start(situation)
    let before = test.summary
    var effects = happen(&test)
    guard !effects.isEmpty || test.summary != before else { return nil }
    let status = effects.contains(.reply) ? " \(effects.status.rawValue)" : ""
    var done: [String] = []
    while let effect = effects.next() { done.append("\(effect)" + (effect == .reply ? status : "")) }
    return name.padded(to: 45) + "| " + test.summary.padded(to: 29) + "| " + done.joined(separator: ", ")
  }
}

extension TestExchange {
  /// A request is read and goes out to a server.
  fileprivate mutating func ask(_ text: String, isReused: Bool = false) {
    receive(text)
    attempt(isReused: isReused)
    send()
  }

  /// As the owner does: reads while more of the request may come.
  fileprivate mutating func fromClient(_ text: String, end: StreamEnd? = nil) -> Effects {
    switch (exchange.state, exchange.requestSide) {
    case (.reading, .head), (.relaying, .body), (.relaying, .tunnel): read(text, end: end).effects
    default: .none
    }
  }

  fileprivate mutating func fromServer(_ text: String, end: StreamEnd? = nil) -> Effects {
    readAnswer(text, end: end).effects
  }

  /// Nothing happens until something expires.
  fileprivate mutating func expire() -> Effects {
    let backlog: Backlog = exchange.responseCursor.pending > 0 ? .toClient : []
    if case .later(let due) = exchange.expiry(policy.timeouts, backlog: backlog, at: now) { now = due }
    return tell(.timer(backlog))
  }

  fileprivate var summary: String {
    var name = String("\(exchange.state)".prefix(while: \.isLetter))
    switch exchange.state {
    case .relaying(let attempt): name += " \(attempt.mode)"
    case .replying(let termination), .done(let termination): name += " " + termination.letters
    default: break
    }
    let backlog: Backlog = exchange.responseCursor.pending > 0 ? .toClient : []
    guard case .later(let due) = exchange.expiry(policy.timeouts, backlog: backlog, at: now) else { return name }
    return due == .distantFuture ? name : name + ", \((due - now).milliseconds) ms"
  }
}

extension Termination {
  fileprivate var letters: String {
    String(decoding: [cause.rawValue, phase.rawValue], as: UTF8.self)
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
