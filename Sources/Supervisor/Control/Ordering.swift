import Configuration
import Control
import Linux
import Logging
import Roles
import Wire

/// Who waits until the worker has obeyed, and until it is known whether the order is remembered.
struct OrderQueue {
  /// How long a worker that runs may take. One that hangs is killed within that.
  private static let patience = Interval.seconds(8)
  /// How long a disk may take, once the worker has obeyed.
  private static let diskPatience = Interval.seconds(1)

  struct Entry {
    let asker: OperatorSocket.Asker
    /// The server that it is about.
    let name: String
    let number: UInt64
    /// Nil until it is known: whether a worker has obeyed.
    fileprivate(set) var isObeyed: Bool?
    fileprivate(set) var deadline: Instant

    init(_ asker: OperatorSocket.Asker, name: String, number: UInt64, at now: Instant) {
      self.asker = asker
      self.name = name
      self.number = number
      deadline = now + OrderQueue.patience
    }
  }

  /// The earliest first.
  private var entries: [Entry] = []

  mutating func append(_ entry: Entry) { entries.append(entry) }

  /// The worker has obeyed up to this order; nil: it never will.
  mutating func obeyed(upTo number: UInt64?, at now: Instant) {
    for index in entries.indices where entries[index].isObeyed == nil && entries[index].number <= number ?? .max {
      entries[index].isObeyed = number != nil
      entries[index].deadline = now + Self.diskPatience
    }
  }

  /// Takes out whoever can be answered: of whose order the worker's and the file's part is known, or who has waited for
  /// too long.
  mutating func take(at now: Instant, isSettled: (UInt64) -> Bool) -> [Entry] {
    let due = entries.prefix { $0.isObeyed != nil && (isSettled($0.number) || now >= $0.deadline) }
    entries.removeFirst(due.count)
    return Array(due)
  }

  /// Some worker takes too long.
  func isOverdue(at now: Instant) -> Bool { entries.contains { $0.isObeyed == nil && now >= $0.deadline } }
}

/// What operators want of servers: kept here, obeyed by the worker, and answered when it is in force.
extension Supervision {
  mutating func order(_ command: ServerCommand, of name: String, for asker: OperatorSocket.Asker) {
    guard status.server(name, orders) != nil else { return reply(.refused([unknown(name)]), to: asker) }
    let order = orders.give(command, to: name, at: .now)
    log.notice(
      "server \(name): \(command.text), ordered by \(operators.name(of: asker))", metadata: ["server": "\(name)"])
    saveOrders()
    orderQueue.append(OrderQueue.Entry(asker, name: name, number: orders.number, at: Clock.monotonic()))
    guard worker != nil else { return answerOrders() }
    worker?.link.send(.server(order, number: orders.number))
    worker?.link.flush()
  }

  /// The worker has obeyed up to this order. Nil: there is none to obey, or it takes too long.
  mutating func answerOrders(upTo number: UInt64? = nil) {
    orderQueue.obeyed(upTo: number, at: Clock.monotonic())
    answerSettledOrders()
  }

  /// Answers those whose outcome is known.
  mutating func answerSettledOrders() {
    let (file, path) = (orderFile, plan.orderFile)
    let due = orderQueue.take(at: Clock.monotonic()) { path == nil || file.outcome(of: $0) != nil }
    for entry in due {
      guard let server = status.server(entry.name, orders) else {
        reply(.refused(["server \(entry.name): a reload has removed it meanwhile"]), to: entry.asker)
        continue
      }
      var warnings: [String] = []
      if entry.isObeyed != true {
        warnings.append("no worker has taken it in yet; one that starts does so before it serves")
      } else if !status.takesNewClients(orders) {
        warnings.append("no server takes new clients now: they are answered with 503")
      }
      if let path {
        let reason = file.outcome(of: entry.number) ?? "the disk takes too long"
        if !reason.isEmpty {
          warnings.append("it holds until a restart only: \(path) can't be written (\(reason)), and is tried again")
        }
      }
      reply(.ordered(server, warnings: warnings), to: entry.asker)
    }
  }

  /// Has what is ordered remembered over a restart, where the configuration wants that.
  func saveOrders() {
    if let path = plan.orderFile {
      orderFile.save(orders.snapshot, upTo: orders.number, to: path)
    } else {
      orderFile.forget()
    }
  }

  private func unknown(_ name: String) -> String {
    let names = status.description.servers.map(\.name)
    let advice =
      Suggestion.nearest(to: name, among: names).map { "Did you mean `\($0)`?" }
      ?? "There are: \(names.joined(separator: ", "))"
    return "the configuration has no server `\(name)`. \(advice)"
  }
}

extension ServerOrder {
  /// `view01 drain, weight 5`.
  var words: String {
    let parts = [mode == .ready ? nil : "\(mode)", weight.map { "weight \($0)" }]
    return "\(name) " + parts.compactMap { $0 }.joined(separator: ", ")
  }
}

extension ServerCommand {
  /// `drain`, `weight 5`, `weight configured`: as the command line has it.
  fileprivate var text: String {
    guard case .weight(let weight) = self else { return word }
    return "weight " + (weight.map(String.init) ?? "configured")
  }
}
