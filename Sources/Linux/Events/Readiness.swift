import CLinux

/// What a socket may do without waiting, as far as the poller told and no call has contradicted since.
public struct Readiness: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static var readable: Readiness { Readiness(rawValue: 1) }
  public static var writable: Readiness { Readiness(rawValue: 2) }
  /// The peer has closed its direction, or the connection is broken; reading tells which.
  public static var ended: Readiness { Readiness(rawValue: 4) }
  /// The connection is broken: reset, or silent for longer than the kernel waits. There is nobody to send to.
  public static var broken: Readiness { Readiness(rawValue: 8) }

  /// The end of a stream is found by reading, so every sign of it makes the socket readable.
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
