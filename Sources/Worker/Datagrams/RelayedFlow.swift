import Balancing
import Configuration
import Domain
import Exchange
import Linux
import Wire

/// A flow's way to its server: a socket of its own, so that the server tells clients apart by our port and the kernel
/// tells us of its ICMP errors.
struct RelayedFlow: ~Copyable {
  let descriptor: Descriptor
  /// Where it comes in, and is answered from.
  let listener: SlabKey
  let snapshot: ServiceSnapshot
  let server: Int
  let client: ClientKey
  /// Of the client's address, as in `DatagramBatch.Ends`.
  let scope: UInt32
  /// In traces: a number that no other flow of the worker has, of its loop's flows and its loop (at most 256).
  let ordinal: UInt64
  /// Once the client is confirmed.
  var account: ConnectionLedger.Account?
  /// Of a confirmed client that is assigned to the server: the assignment outlives the flow. A datagram does not assign
  /// a client, because its source may be forged.
  var session: AffinityShards.Session?
  /// In its loop's table.
  var number = 0
  /// Datagrams that were not passed on.
  var dropped = 0

  var shared: SharedServer { snapshot.backend.servers[server] }

  /// The server's name and address when the flow began.
  var identity: ServerIdentity { snapshot.servers[server].identity }
}

extension LoopContext {
  /// Gives back what a flow held besides its socket, and writes its line.
  mutating func ended(
    _ flow: consuming RelayedFlow, _ facts: Flow, _ termination: Termination, hasMoved: Bool
  ) {
    let (snapshot, server, identity, ordinal, dropped) = (
      flow.snapshot, flow.shared, flow.identity, flow.ordinal, flow.dropped
    )
    snapshot.backend.affinity.addresses.end(&flow.session, at: now)
    sharedState.flowEnded(flow.account)
    server.flowEnded()
    let record = AccessRecord(
      flowSince: facts.began, responded: facts.answered, bytesFromClient: facts.fromClient.bytes,
      bytesToClient: facts.toClient.bytes, termination)
    if facts.isConfirmed { count(record, of: flow.server, snapshot) }
    // Forged flows would fill the log, and are no clients'. Traces leave out what is too much.
    let isLogged = facts.isConfirmed && reports.accessLog.isOpen
    let isTraced = reports.traces.follow(facts.key.client.address)
    guard isLogged || isTraced else { return }
    let (from, to) = (facts.fromClient.datagrams, facts.toClient.datagrams)
    let words = "UDP \(facts.key.local), \(from) datagrams in, \(to) out, \(dropped) dropped"
    let occupancy = server.occupancy
    let entry = AccessEntry(
      record: record, client: facts.key.client, frontend: "datagrams", isTLS: false, service: snapshot.settings.name,
      server: identity.name, requestLine: Array(words.utf8), connections: sharedState.connectionCount,
      serverConnections: occupancy.active, queue: occupancy.waiting, configuration: snapshot.number)
    if isLogged { reports.accessLog.add(entry, monotonic: now) }
    if isTraced { reportFlow(ordinal, entry, hasMoved ? "the client has another server now" : facts.silenceWords) }
  }
}

extension Flow {
  /// Why a flow has ended at its deadline, for people.
  fileprivate var silenceWords: String {
    if answered == nil { return "the server has not answered" }
    return isConfirmed ? "timeouts.datagrams" : "the client has sent nothing since the server's first answer"
  }
}
