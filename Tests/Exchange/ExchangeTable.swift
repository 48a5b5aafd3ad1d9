import Balancing
import HTTP1
import Wire

@testable import Exchange

/// The effects of every event in every state of an exchange, as text.
enum ExchangeTable {
  /// A situation, and the events that lead to it.
  private struct Situation: Sendable {
    let name: String
    let arrive: @Sendable (inout TestExchange) -> Void
  }

  private static let situations = [
    Situation(name: "Waiting for a request") { _ in },
    Situation(name: "Part of a request head received") { $0.receive("GET / HT") },
    Situation(name: "Request head received") { $0.read(request()) },
    Situation(name: "Choosing a server") { $0.receive(request()) },
    Situation(name: "Queued") {
      $0.receive(request())
      $0.tell(.queued(isOther: false))
    },
    Situation(name: "Connecting") {
      $0.receive(request())
      $0.connect()
    },
    Situation(name: "Connecting for a second") {
      $0.receive(request())
      $0.connect()
      $0.pass(.seconds(1))
      $0.tell(.timer([]))
    },
    Situation(name: "Paused for lack of local resources") {
      $0.receive(request())
      $0.connect()
      $0.tell(.connectFailed(isShortage: true))
    },
    Situation(name: "POST not sent yet") {
      $0.receive(request("POST", "Content-Length: 5", body: "hello"))
      $0.attempt()
    },
    Situation(name: "GET sent") { $0.ask(request()) },
    Situation(name: "GET sent, no response for a second") {
      $0.ask(request())
      $0.pass(.seconds(1))
      $0.tell(.timer([]))
    },
    Situation(name: "GET sent on a reused connection") { $0.ask(request(), isReused: true) },
    Situation(name: "POST sent") { $0.ask(request("POST", "Content-Length: 5", body: "hello")) },
    Situation(name: "POST partly sent") {
      $0.ask(request("POST", "Transfer-Encoding: chunked", body: "5\r\nhello\r\n"))
    },
    Situation(name: "Interim response (103) received") {
      $0.ask(request())
      $0.respond(response(103))
    },
    Situation(name: "Response received, nothing sent") {
      $0.ask(request())
      $0.respond(response(200, "Transfer-Encoding: chunked", body: "5\r\nhello\r\n"))
    },
    Situation(name: "Sending a response") {
      $0.ask(request())
      $0.respond(response(200, "Transfer-Encoding: chunked", body: "5\r\nhello\r\n"))
      $0.deliverHeads()
    },
    Situation(name: "Sending a response that ends with its connection") {
      $0.ask(request())
      $0.respond(response(200, body: "hello"))
      $0.deliverHeads()
    },
    Situation(name: "Response sent") {
      $0.ask(request())
      $0.respond(response(200, "Content-Length: 5", body: "hello"))
      $0.deliver()
    },
    Situation(name: "Response with Connection: close sent") {
      $0.ask(request())
      $0.respond(response(200, "Content-Length: 5", "Connection: close", body: "hello"))
      $0.deliver()
    },
    Situation(name: "Two-way stream: the response began before the request had ended") {
      $0.ask(request("POST", "Transfer-Encoding: chunked"))
      $0.respond(response(200, "Transfer-Encoding: chunked", body: "2\r\nhi\r\n"))
      $0.deliverHeads()
    },
    Situation(name: "Tunnel after an upgrade") {
      $0.ask(upgradeRequest)
      $0.respond(upgradeResponse)
    },
    Situation(name: "Sending an error page") {
      $0.receive(request())
      $0.tell(.noServer)
    },
    Situation(name: "Sending the page of maintenance") {
      $0.read(request())
      $0.tell(.maintenance)
    },
    Situation(name: "Sending the page of a rate, all of the request received") {
      $0.read(request())
      $0.tell(.denied(.rateExceeded, isLast: false))
    },
    Situation(name: "Sending the page of a rate, a part of the request received") {
      $0.read(request("POST", "Content-Length: 5", body: "he"))
      $0.tell(.denied(.rateExceeded, isLast: false))
    },
    Situation(name: "Sending a redirect") {
      $0.exchange = Exchange(number: 1, kind: .redirected, retries: $0.policy.retries, at: $0.now)
      $0.receive(request())
    },
    Situation(name: "Passthrough, choosing a server") { $0.becomeTunnel() },
    Situation(name: "Passthrough, connecting") {
      $0.becomeTunnel()
      $0.connect()
    },
    Situation(name: "Passthrough, bytes sent to the server") {
      $0.becomeTunnel()
      $0.attempt()
      $0.receive("hello")
      $0.send()
    },
    Situation(name: "Passthrough, bytes received from the server") {
      $0.becomeTunnel()
      $0.attempt()
      $0.respond("hello")
    },
    Situation(name: "Done") {
      $0.receive(request())
      $0.tell(.noServer)
      $0.tell(.replied)
    },
  ]

  /// The bytes passed to the parsing functions.
  private static let readings: [(String, @Sendable (inout TestExchange) -> Effects)] = [
    ("client sends malformed bytes", { $0.fromClient("nonsense\r\n\r\n") }),
    ("client ends its stream", { $0.fromClient("", end: .closed) }),
    ("client ends without close_notify", { $0.fromClient("", end: .cut) }),
    ("client is disconnected for a flood", { $0.fromClient("", end: .flooded) }),
    ("server sends malformed bytes", { $0.fromServer("nonsense\r\n\r\n") }),
    ("server ends its stream", { $0.fromServer("", end: .closed) }),
    ("server ends without close_notify", { $0.fromServer("", end: .cut) }),
  ]

  private static let events: [(String, Exchange.Event)] = [
    ("request accepted", .accepted(isLast: false)),
    ("request denied: host not served", .denied(.hostNotServed, isLast: true)),
    ("request denied: client above its rate", .denied(.rateExceeded, isLast: false)),
    ("service in maintenance", .maintenance),
    ("client left", .clientLeft(isFlood: false)),
    ("client left, disconnected for a flood", .clientLeft(isFlood: true)),
    ("no server available", .noServer),
    ("slot assigned", .placed(isOther: false)),
    ("queued", .queued(isOther: false)),
    ("queue full", .queueFull(isOther: false)),
    ("queue closed", .displaced),
    ("connection attempt started", .connecting),
    ("connected", .connected(isReused: false)),
    ("connection failed", .connectFailed(isShortage: false)),
    ("connection failed: no local resources", .connectFailed(isShortage: true)),
    ("request head too large", .requestHeadTooLarge),
    ("response head too large", .responseHeadTooLarge),
    ("everything sent", .relayed(isSent: true, isTaken: true, isStopping: false)),
    ("everything sent, worker stopping", .relayed(isSent: true, isTaken: true, isStopping: true)),
    ("response sent, request not accepted", .relayed(isSent: true, isTaken: false, isStopping: false)),
    ("server accepts no new clients", .serverDown(.present, keeps: false, isLast: false)),
    ("server silent", .serverDown(.silent, keeps: false, isLast: false)),
    ("server silent, and no other available", .serverDown(.silent, keeps: false, isLast: true)),
    ("server lost", .serverDown(.lost, keeps: false, isLast: true)),
    ("server lost, on-down: keep", .serverDown(.lost, keeps: true, isLast: false)),
    ("own response sent", .replied),
    ("redirect too long", .redirectTooLarge),
    ("error page too large", .pageTooLarge),
    ("worker stops", .stop),
    ("client evicted", .abandoned(isStopping: false)),
    ("stop deadline reached", .abandoned(isStopping: true)),
  ]

  static var text: String {
    var text = """
      The effects of every event in every state of an exchange, as Sources/Exchange decides. Written by
      BELVEDERE_UPDATE_GOLDEN=1 swift test --filter ExchangeTable; read the difference before it is committed.

      Each row starts in the state above it: event | next state, time until its next timeout | effects, in order. Events
      without any effect have no row.
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
      if let row = row(situation, "timer expires", { $0.expire() }) { text += "\n" + row }
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
  /// A request is read and sent to a server.
  fileprivate mutating func ask(_ text: String, isReused: Bool = false) {
    receive(text)
    attempt(isReused: isReused)
    send()
  }

  /// Reads as the worker does, while more of the request may arrive.
  fileprivate mutating func fromClient(_ text: String, end: StreamEnd? = nil) -> Effects {
    switch (exchange.state, exchange.requestSide) {
    case (.reading, .head), (.relaying, .body), (.relaying, .tunnel): read(text, end: end).effects
    default: .none
    }
  }

  fileprivate mutating func fromServer(_ text: String, end: StreamEnd? = nil) -> Effects {
    readResponse(text, end: end).effects
  }

  /// Advances the time to the next expiry.
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
