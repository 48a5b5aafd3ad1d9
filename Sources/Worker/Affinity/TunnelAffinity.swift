import Balancing
import Exchange
import HTTP1
import Linux
import Wire

/// `affinity.by: tunnel`: reads tunnels' connection ids in responses to `/broker/xml`, and routes tunnels by them.
extension ActiveExchange {
  /// The server that issued this request's connection id, if the request has one and the server is available. The id is
  /// never reassigned, because no other server accepts it.
  @inline(never)
  mutating func tunnelServer(_ client: inout Client, _ context: inout LoopContext) -> Int? {
    let affinity = snapshot.backend.affinity
    guard let request = exchange.request, let id = ConnectionID(of: request, in: client.side.input) else { return nil }
    let (key, backend) = (affinity.client(ofToken: id.bytes), snapshot.backend)
    guard let server = backend.assigned(key, tried: tried, at: context.now) else { return nil }
    affinity.tunnels.renew(&client.sessions.tunnel, of: key, on: backend.servers[server].id, at: context.now)
    renewAddress(on: backend.servers[server].id, &client, &context)
    // The choice applies to this request only.
    client.routed = nil
    unconfirmed = nil
    return server
  }

  /// Whether the response to this request may issue a connection id.
  @inline(never)
  func isForBroker(_ client: borrowing Client) -> Bool {
    exchange.request?.isFor("/broker/xml", in: client.side.input) == true
  }

  /// The head of the final response is at the start of its connection's input. If the body may issue a connection id,
  /// it is scanned as it is relayed, or logged as unreadable.
  @inline(never)
  mutating func watchResponse(from connection: SlabKey, _ context: inout LoopContext) {
    guard exchange.record.status == 200, exchange.responseSide == .body else { return }
    if let fault = ResponseHead.xmlFault(context.servers[connection].side.input) {
      let server = context.servers[connection].shared
      return context.noteFailure(of: server, .unreadable, fault.rawValue)
    }
    context.leases.scanners.lease(&scanner, ConnectionIDScanner(exchange.responseBody))
  }

  /// Scans the part of the body that is relayed next.
  @inline(never)
  mutating func readIDs(from connection: SlabKey, _ client: borrowing Client, _ context: inout LoopContext) {
    guard let server else { return }
    let (affinity, now, cursor) = (snapshot.backend.affinity, context.now, exchange.responseCursor)
    let id = snapshot.backend.servers[server].id
    scanner.value.take(context.servers[connection].side.input, from: cursor.sent, to: cursor.approved) { issued in
      affinity.tunnels.assign(affinity.client(ofToken: issued), to: id, at: now)
    }
    if scanner.value.isOver { context.leases.scanners.giveBack(&scanner) }
  }
}

// These take the buffer itself, like those in BufferedBytes.

extension ConnectionID {
  fileprivate init?(of request: RequestHead, in buffer: borrowing Buffer) { self.init(of: request, in: buffer.bytes) }
}

extension RequestHead {
  fileprivate func isFor(_ path: String, in buffer: borrowing Buffer) -> Bool { isFor(path, in: buffer.bytes) }
}

extension ResponseHead {
  fileprivate static func xmlFault(_ buffer: borrowing Buffer) -> XMLFault? { xmlFault(buffer.bytes) }
}

extension ConnectionIDScanner {
  fileprivate mutating func take(
    _ buffer: borrowing Buffer, from start: Int, to end: Int, issued: (Span<UInt8>) -> Void
  ) {
    take(buffer.bytes.extracting(start..<end), issued: issued)
  }
}
