import Domain
import Linux
import TLS
import Wire

/// The traces that a loop takes part in. While there is none, the loop only reads `isActive`.
struct LoopTraces {
  private(set) var isActive = false
  /// Each running trace has the same slot for as long as it runs.
  private var slots = [TraceOrder?](repeating: nil, count: TraceOrder.limit)
  /// Contexts that report secrets, with those that they replace, and the number of their configuration.
  private var contexts: [(original: ServerContext, reporting: ServerContext, configuration: UInt64)] = []
  private let outlet: TraceOutlet
  /// Whether it was logged that a context could not be made.
  private var hasLoggedFault = false

  init(_ outlet: TraceOutlet, at now: Instant) {
    self.outlet = outlet
    refresh(at: now)
  }

  /// A trace has begun or ended.
  mutating func refresh(at now: Instant) {
    let orders = outlet.orders
    for slot in slots.indices {
      if let order = slots[slot], !orders.contains(order) { slots[slot] = nil }
    }
    for order in orders where !slots.contains(order) {
      guard let free = slots.firstIndex(of: nil) else { continue }
      slots[free] = order
      outlet.began(order.number, at: now, Clock.wall())
    }
    isActive = !orders.isEmpty
    if !orders.contains(where: \.hasSecrets) { (contexts, hasLoggedFault) = ([], false) }
  }

  /// The running traces with their slots.
  var running: [(slot: Int, order: TraceOrder)] {
    slots.enumerated().compactMap { slot, order in order.map { (slot, $0) } }
  }

  /// Whether one follows clients with this address.
  func follow(_ address: IPAddress) -> Bool { slots.contains { $0?.subject.matches(address) == true } }

  /// Whether a context could not be made for the first time while there are traces with secrets.
  mutating func noteFault() -> Bool {
    defer { hasLoggedFault = true }
    return !hasLoggedFault
  }

  /// Those that follow the connection or its present request.
  func following(_ marks: TraceMarks) -> [TraceOrder] {
    running.compactMap { slot, order in marks.follows(order.number, slot: slot) ? order : nil }
  }

  func report(_ kind: TraceEvent.Kind, _ facts: [TraceEvent.Fact], to orders: [TraceOrder], at now: Instant) {
    guard !orders.isEmpty else { return }
    let event = TraceEvent(kind, at: Clock.wall(), facts)
    for order in orders { outlet.report(event, of: order.number, at: now) }
  }

  /// The context for a connection whose secrets are reported.
  mutating func reporting(
    _ original: ServerContext, of configuration: UInt64
  ) throws(TLSError) -> ServerContext {
    if let known = contexts.first(where: { $0.original === original }) { return known.reporting }
    let reporting = try ServerContext(reportingSecretsLike: original)
    contexts.append((original, reporting, configuration))
    return reporting
  }

  /// Another configuration is in use. The contexts of the one before stay for handshakes that have begun.
  mutating func adopt(configuration: UInt64) { contexts.removeAll { $0.configuration + 1 < configuration } }

  /// The secrets of the connection that was advanced since the previous call.
  func takeSecrets() -> String { contexts.map { $0.reporting.takeSecrets() }.joined() }
}

extension TraceEvent.Fact {
  static func text(_ key: TraceEvent.Key, _ text: String) -> Self { Self(key, .text(text)) }
  static func number(_ key: TraceEvent.Key, _ number: some BinaryInteger) -> Self {
    Self(key, .number(UInt64(clamping: number)))
  }
  static func flag(_ key: TraceEvent.Key, _ flag: Bool) -> Self { Self(key, .flag(flag)) }
}
