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
  mutating func ended(_ flow: consuming RelayedFlow, _ facts: Flow, _ termination: Termination) {
    let (snapshot, server, identity) = (flow.snapshot, flow.shared, flow.identity)
    snapshot.backend.affinity.addresses.end(&flow.session, at: now)
    sharedState.flowEnded(flow.account)
    server.flowEnded()
    // Forged flows would fill the log, and are no clients'.
    guard facts.isConfirmed else { return }
    let record = AccessRecord(
      flowSince: facts.began, responded: facts.answered, bytesFromClient: facts.fromClient.bytes,
      bytesToClient: facts.toClient.bytes, termination)
    count(record, of: flow.server, snapshot)
    guard reports.isRecording else { return }
    let (from, to) = (facts.fromClient.datagrams, facts.toClient.datagrams)
    let words = "UDP \(facts.key.local), \(from) datagrams in, \(to) out, \(flow.dropped) dropped"
    let occupancy = server.occupancy
    let entry = AccessEntry(
      record: record, client: facts.key.client, frontend: "datagrams", isTLS: false, service: snapshot.settings.name,
      server: identity.name, requestLine: Array(words.utf8), connections: sharedState.connectionCount,
      serverConnections: occupancy.active, queue: occupancy.waiting, configuration: snapshot.number)
    reports.accessLog.add(entry, monotonic: now)
    guard reports.traces.isActive else { return }
    reportFlow(entry, isSilent: now >= facts.lastSeen + snapshot.settings.timeouts.datagrams)
  }
}
