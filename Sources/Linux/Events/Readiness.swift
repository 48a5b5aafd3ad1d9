import CLinux

/// What a socket can do without blocking, according to the last event and the calls since.
public struct Readiness: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static var readable: Readiness { Readiness(rawValue: 1) }
  public static var writable: Readiness { Readiness(rawValue: 2) }
  /// The peer has closed its direction, or the connection is broken; a read returns which.
  public static var ended: Readiness { Readiness(rawValue: 4) }
  /// The connection is broken: reset, or timed out in the kernel. Sending is pointless.
  public static var broken: Readiness { Readiness(rawValue: 8) }

  /// The end of a stream is detected by reading, so every sign of it makes the socket readable.
  public init(events: UInt32) {
    var readiness: Readiness = []
    if events & EPOLLIN.rawValue != 0 { readiness.insert(.readable) }
    if events & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
    if events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
      readiness.formUnion([.readable, .ended])
    }
    if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { readiness.insert(.writable) }
    if events & EPOLLERR.rawValue != 0 { readiness.insert(.broken) }
    self = readiness
  }
}
