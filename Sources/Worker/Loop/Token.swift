import Linux

/// The source of a poller's event; the key is that of the source's slab.
typealias Token = PollerToken<LoopEventSource>

enum LoopEventSource: UInt64 {
  case mailbox = 1
  case listener
  case client
  case server
  case probe
  /// A listener for datagrams.
  case datagrams
  case flow
}
