import Balancing
import Configuration
import Domain
import Linux
import Logging
import Pair
import Wire

/// What happens on connections, and what their links have done.
extension PairLoop {
  mutating func proceed(_ key: SlabKey) {
    reading: while connections.contains(key) {
      switch connections[key].proceed(at: now) {
      case .wait: break reading
      case .opened: handle(.opened, key)
      case .received(let bytes):
        channel.count(received: bytes.count)
        handle(.received(bytes), key)
      case .ended(let reason): handle(.closed(reason: reason), key)
      }
    }
    if connections.contains(key), let deadline = connections[key].link.deadline, now >= deadline { handle(.timer, key) }
    if connections.contains(key), connections[key].isRejoinDue(at: now) { handle(.leave(reason: Self.rejoining), key) }
    send(key)
  }

  /// Sends what there is, and pieces of the tables while there is room for them.
  mutating func send(_ key: SlabKey) {
    for _ in 0..<PairLoop.copiesPerTurn where connections.contains(key) {
      if let (position, activeSince) = connections[key].copy.take(), let tables = settings?.tables {
        let (batch, next) = tables.batch(from: position, activeSince: activeSince, at: now)
        handle(.copied(batch, next: next), key)
      }
      guard connections.contains(key) else { return }
      let sent = connections[key].flush()
      guard sent > 0 else { continue }
      channel.count(sent: sent)
      handle(.waiting(connections[key].waiting), key)
    }
  }

  /// Passes an event to a connection's link, and performs what follows.
  mutating func handle(_ event: PairLink.Event, _ key: SlabKey) {
    guard connections.contains(key) else { return }
    for effect in connections[key].link.handle(event, at: now, by: &clock) {
      switch effect {
      case .send(let bytes): connections[key].append(bytes)
      case .joined(let hello): joined(hello, key)
      case .copy(let position, let activeSince): connections[key].copy = (position, activeSince)
      case .merge(let batch, let moment):
        let source = AffinitySource.node(UInt8(connections[key].peer))
        settings?.tables.merge(batch, from: source, asOf: moment, at: now)
      case .snapshotEnded:
        peers[connections[key].peer].hasSentTables = true
        reportTables()
      case .adminStates(let states): channel.report(states)
      case .facts(let bytes): peers[connections[key].peer].unreported.facts = bytes
      case .vitals(let bytes):
        peers[connections[key].peer].unreported.vitals = bytes
        reportVitals(connections[key].peer)
      case .stream(let message): receive(message, key)
      case .ended(let end, _): ended(key, "\(end)")
      }
    }
  }

  /// Passes the other nodes' facts and vitals to the supervisor, the facts of one node at a time.
  mutating func reportNodes() {
    for peer in peers.indices { reportVitals(peer) }
    let waiting = peers.indices.filter { peers[$0].unreported.facts != nil }
    guard channel.mayReport,
      let peer = waiting.min(by: { peers[$0].unreported.lastFacts < peers[$1].unreported.lastFacts }),
      let facts = peers[peer].unreported.takeFacts(at: now)
    else { return }
    channel.report(facts: facts, of: peers[peer].node.name)
  }

  private mutating func reportVitals(_ peer: Int) {
    guard let vitals = peers[peer].unreported.takeVitals(at: now) else { return }
    channel.report(vitals: vitals, of: peers[peer].node.name)
  }

  /// Reports a message about a stream to the supervisor.
  private mutating func receive(_ message: StreamMessage, _ key: SlabKey) {
    let peer = connections[key].peer
    guard case .open = message.content, !peers[peer].admitsStream(at: now) else {
      return channel.report(message, of: peers[peer].node.name)
    }
    let refusal = StreamMessage.Content.close(reason: "too many requests; try again")
    handle(.stream(StreamMessage(refusal, from: .acceptor, of: message.stream)), key)
  }

  /// Passes a message of the supervisor to the other node. A stream to a node that has not joined ends at once.
  mutating func pass(_ message: StreamMessage, to node: String) {
    guard let peer = peers.first(where: { $0.node.name == node }) else { return }
    if let key = peer.joined {
      handle(.stream(message), key)
      send(key)
    } else if case .open = message.content {
      let refusal = StreamMessage.Content.close(reason: "\(node) is not connected: \(peer.reason)")
      channel.report(StreamMessage(refusal, from: .acceptor, of: message.stream), of: node)
    }
  }

  private mutating func joined(_ hello: PairHello, _ key: SlabKey) {
    let peer = connections[key].peer
    let earlier = peers[peer].join(key)
    settings?.tables.advanceClocks(to: clock.time(at: now), at: now)
    handle(.adminStates(channel.adminStates), key)
    let own = channel.own
    if let facts = own.facts { handle(.facts(facts), key) }
    if let vitals = own.vitals { handle(.vitals(vitals), key) }
    log.notice(
      "pair: \(peers[peer].node.name) has joined, release \(hello.release)", metadata: peers[peer].metadata)
    // Its end has not been noticed here.
    if let earlier { handle(.leave(reason: "there is another connection"), earlier) }
  }

  /// Closes a connection, after what was sent before.
  private mutating func ended(_ key: SlabKey, _ reason: String) {
    var connection = connections.remove(key)
    _ = connection.flush()
    connection.end()
    let peer = connection.peer
    if connection.finding == .notListening { peers[peer].hasSentTables = true }
    if peers[peer].joined == key {
      peers[peer].left(reason, at: now, random: PairLoop.random)
      log.warning("pair: \(peers[peer].node.name) has left: \(reason)", metadata: peers[peer].metadata)
      // It may have sent this node clients that it had not sent the others.
      for other in peers.compactMap(\.joined) {
        handle(.otherLeft, other)
        handle(.adminStates(channel.adminStates), other)
      }
    } else {
      peers[peer].failed(reason)
      if connection.offer != nil { retry(peer, hasOtherSecret: connection.finding == .otherSecret) }
    }
    reportTables()
  }
}
