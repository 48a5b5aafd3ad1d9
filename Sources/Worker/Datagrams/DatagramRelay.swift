import Balancing
import Configuration
import Domain
import Exchange
import Linux
import Logging
import Wire
import WorkerProtocol

/// A loop's relay of UDP: its listeners, and the flows that came in there.
struct DatagramRelay: ~Copyable {
  struct Listener: ~Copyable {
    let descriptor: Descriptor
    let identity: ListenerIdentity
    /// As in the newest snapshot.
    var service: ServiceSnapshot

    consuming func takeDescriptor() -> Descriptor { descriptor }
  }

  /// Batches read from one socket before others get their turn.
  static let batchesPerTurn = 4
  /// So many flows begun at one listener end its turn: each takes a socket, some 20 µs.
  static let flowsPerTurn = 16
  /// A client that was silent for so long may have logged in again meanwhile, and be assigned to another server.
  static let pause = Interval.seconds(5)

  var listeners = Slab<Listener>(capacity: 4)
  var flows = Slab<RelayedFlow>(capacity: 16)
  var table = FlowTable<SlabKey>()
  /// Flows that end, a few in each turn.
  var endings: [(flow: SlabKey, termination: Termination)] = []
  /// Flows that began in the current turn of a listener.
  var begun = 0
  /// Flows begun by this loop.
  var total: UInt64 = 0
  /// The servers' states are known.
  private var isServing = false
  /// Listeners that could not be registered: tried again every second.
  private var unwatched: [SlabKey] = []
  private var batch = DatagramBatch()

  // MARK: listeners

  mutating func add(_ handed: HandedListener, _ service: ServiceSnapshot, _ context: inout LoopContext) {
    let key = listeners.insert(
      Listener(descriptor: handed.takeDescriptor(), identity: handed.identity, service: service))
    if isServing { watch(key, &context) }
  }

  mutating func serve(_ context: inout LoopContext) {
    guard !isServing else { return }
    isServing = true
    for key in listeners.keys { watch(key, &context) }
  }

  private mutating func watch(_ key: SlabKey, isAgain: Bool = false, _ context: inout LoopContext) {
    do throws(SystemError) {
      try context.poller.watchLevel(listeners[key].descriptor, token: Token(.datagrams, key).rawValue)
    } catch {
      unwatched.append(key)
      if !isAgain { context.reports.log.error("listener \(listeners[key].identity.endpoint): \(error)") }
    }
  }

  mutating func watchAgain(_ context: inout LoopContext) {
    let keys = unwatched
    unwatched = []
    for key in keys where listeners.contains(key) { watch(key, isAgain: true, &context) }
  }

  /// Takes a listener out. The flows that could only be answered from it are to end: their clients begin others with the
  /// same server elsewhere.
  mutating func remove(_ key: SlabKey, _ context: inout LoopContext) -> Listener {
    // Others hold the same socket: closing our descriptor alone would leave it registered.
    context.poller.forget(listeners[key].descriptor)
    for flow in flows.keys where flows[flow].listener == key { endings.append((flow, .ofListener)) }
    return listeners.remove(key)
  }

  // MARK: datagrams

  /// Passes on what clients sent.
  mutating func receive(from listener: SlabKey, _ context: inout LoopContext) {
    guard listeners.contains(listener) else { return }
    begun = 0
    for _ in 0..<Self.batchesPerTurn {
      let count: Int
      do throws(SystemError) {
        count = try batch.receive(from: listeners[listener].descriptor.number)
      } catch {
        context.reports.counters.datagrams.dropped += 1
        continue
      }
      var first = 0
      while first < count {
        guard let ends = batch.ends(at: first) else {
          context.reports.counters.datagrams.dropped += 1
          first += 1
          continue
        }
        var end = first + 1
        while end < count, batch.ends(at: end) == ends { end += 1 }
        passOn(first..<end, from: ends, at: listener, &context)
        first = end
      }
      if count < DatagramBatch.most || begun >= Self.flowsPerTurn { return }
    }
  }

  private mutating func passOn(
    _ range: Range<Int>, from ends: DatagramBatch.Ends, at listener: SlabKey, _ context: inout LoopContext
  ) {
    let local = Endpoint(address: ends.local, port: listeners[listener].identity.endpoint.port)
    let key = Flow.Key(client: ends.peer, local: local)
    guard let flow = known(key, &context) ?? begin(key, scope: ends.scope, at: listener, &context) else {
      context.reports.counters.datagrams.dropped += UInt64(range.count)
      return
    }
    let wasConfirmed = table[flows[flow].number].isConfirmed
    for index in range { table.received(batch.size(at: index), of: flows[flow].number, at: context.now) }
    if !wasConfirmed, table[flows[flow].number].isConfirmed, !confirm(flow, &context) {
      context.reports.counters.datagrams.dropped += UInt64(range.count)
      return end(flow, Termination(.proxy, .data), &context)
    }
    let (sent, fault) = batch.send(range, on: flows[flow].descriptor.number)
    note(flow, sent: sent, of: range.count, &context)
    if DatagramSocket.isOfPeer(fault, isSending: true) { fail(flow, fault, &context) }
  }

  /// Passes back what a server sent.
  mutating func answer(_ flow: SlabKey, _ context: inout LoopContext) {
    // An event of the same batch may have ended it.
    guard flows.contains(flow) else { return }
    guard listeners.contains(flows[flow].listener) else { return end(flow, .ofListener, &context) }
    for _ in 0..<Self.batchesPerTurn {
      let count: Int
      do throws(SystemError) {
        count = try batch.receive(from: flows[flow].descriptor.number)
      } catch {
        guard DatagramSocket.isOfPeer(error.code, isSending: false) else { continue }
        return fail(flow, error.code, &context)
      }
      let (number, key) = (flows[flow].number, flows[flow].listener)
      var allowed = 0
      while allowed < count, table.answer(batch.size(at: allowed), of: number, at: context.now) { allowed += 1 }
      let (client, local) = (table[number].key.client, table[number].key.local.address)
      let ends = DatagramBatch.Ends(peer: client, scope: flows[flow].scope, local: local)
      let family = listeners[key].identity.endpoint.address.family
      let (sent, _) = batch.send(0..<allowed, on: listeners[key].descriptor.number, between: (ends, family))
      note(flow, sent: sent, of: count, &context)
      if count < DatagramBatch.most { return }
    }
  }

  private mutating func note(_ flow: SlabKey, sent: Int, of count: Int, _ context: inout LoopContext) {
    flows[flow].dropped += count - sent
    context.reports.counters.datagrams.relayed += UInt64(sent)
    context.reports.counters.datagrams.dropped += UInt64(count - sent)
  }
}
