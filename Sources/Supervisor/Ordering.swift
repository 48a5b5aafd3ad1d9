import Configuration
import Control
import Linux
import Logging
import Roles
import Wire

/// Who waits until the worker has obeyed.
struct OrderQueue {
  /// How long a worker that runs may take. One that hangs is killed within that.
  private static let patience = Interval.seconds(8)

  struct Entry {
    let asker: OperatorSocket.Asker
    /// The server that it is about.
    let name: String
    let number: UInt64
    let deadline: Instant

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

  /// Takes out whoever waits for an order up to this one.
  mutating func take(upTo number: UInt64) -> [Entry] {
    let due = entries.prefix { $0.number <= number }
    entries.removeFirst(due.count)
    return Array(due)
  }

  /// Somebody has waited for too long.
  func isOverdue(at now: Instant) -> Bool { entries.first.map { now >= $0.deadline } ?? false }
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
    for entry in orderQueue.take(upTo: number ?? .max) {
      guard let server = status.server(entry.name, orders) else {
        reply(.refused(["server \(entry.name): a reload has removed it meanwhile"]), to: entry.asker)
        continue
      }
      var warnings: [String] = []
      if number == nil {
        warnings.append("no worker has taken it in yet; one that starts does so before it serves")
      } else if !status.takesNewClients(orders) {
        warnings.append("no server takes new clients now: they are answered with 503")
      }
      reply(.ordered(server, warnings: warnings), to: entry.asker)
    }
  }

  /// Has what is ordered remembered over a restart, where the configuration wants that.
  func saveOrders() {
    if let path = plan.orderFile { orderFile.save(orders.snapshot, to: path) }
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
