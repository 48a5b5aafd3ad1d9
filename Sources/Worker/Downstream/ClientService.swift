import Exchange
import HTTP1
import Linux
import Wire

/// Selects the service of a connection to a listener that several services share, by the name that the client requests.
extension ClientConnection {
  /// Parses the ClientHello without removing it from the socket. Nil: TLS is terminated here.
  @inline(never)
  mutating func chooseByServerName(_ context: inout LoopContext) -> ActiveExchange.Step? {
    guard let several = client.entrance.several else { return nil }
    context.buffers.lease(&client.side.input)
    let peeked = client.side.stream.peek(into: &client.side.input)
    let reading = ClientHello.parse(client.side.input.bytes)
    client.side.input.removeAll()
    context.buffers.giveBack(&client.side.input)
    guard case .bytes = peeked else { return peeked == .wouldBlock ? .wait : .close }
    var asked: [UInt8] = []
    switch reading {
    case .name(let name): asked = name
    case .nameless: break
    case .incomplete: return .wait
    }
    client.entrance.several = nil
    client.entrance.isShared = true
    client.move(to: several.service(ofName: asked.span))
    if context.reports.traces.isActive { client.follow(asking: asked, isNew: true, &context) }
    guard client.snapshot.isPassthrough else { return nil }
    client.entrance.kind = .opaque
    phase = .open
    since = context.now
    return context.isStopping ? .close : .again
  }

  /// Selects the service by the request's Host and uses its redirect.
  @inline(never)
  mutating func chooseByHost(_ context: inout LoopContext) {
    guard let several = client.entrance.several else { return }
    let host = requests.current.value.exchange.request?.host ?? .absent
    client.enter(several.service(ofHost: host.slice(of: client.side.input.bytes)))
    requests.current.value.adoptNewest(&client, &context)
  }
}
