import Linux

/// What an event of a loop's poller is about; the key is that of its slab.
typealias Token = PollerToken<LoopEventSource>

enum LoopEventSource: UInt64 {
  case mailbox = 1
  case listener
  case client
  case server
  case probe
}
