import Linux
import Pair
import TLS
import Wire

/// A connection with another node: its stream, the link on it, and what is still to be sent.
struct PairConnection: ~Copyable {
  private enum Phase {
    /// `context`: of this node's side.
    case connecting(PairContext)
    case handshaking
    case open
  }

  /// What a step has brought.
  enum Step {
    /// Nothing more for now.
    case wait
    /// TLS is there: the other node has the secret.
    case opened
    case received([UInt8])
    /// The connection is over, for this reason.
    case ended(String)
  }

  /// What a failed connection means for the other node.
  enum Finding {
    /// Nothing listens there.
    case notListening
    /// It does not have this secret.
    case otherSecret
  }

  /// The other node's index.
  let peer: Int
  /// Which secret is offered by this node, which made the connection; nil where the other node did.
  let offer: Int?
  let began: Instant
  var link: PairLink
  /// The piece of the tables that the link has asked for.
  var copy: (position: UInt64, activeSince: Instant?)?
  /// The nodes are to join anew when the streams have ended, at this time at the latest.
  var rejoinDeadline: Instant?
  private(set) var stream: Stream
  private(set) var finding: Finding?
  private var phase: Phase
  private var output: [UInt8] = []
  /// How many bytes may be read: 8 MB a second.
  private var quota = WindowQuota(65_536)

  /// A connection that was accepted, or that is being made.
  init(
    _ descriptor: consuming Descriptor, with peer: Int, offer: Int?, context: PairContext, link: PairLink,
    at now: Instant
  ) {
    self.peer = peer
    self.offer = offer
    self.link = link
    began = now
    stream = Stream(plain: descriptor)
    // An accepted connection may have brought its ClientHello along.
    if offer == nil { stream.became([.readable, .writable]) }
    phase = .connecting(context)
  }

  /// Whether the other end has shown that it has a secret, where it makes the connection: its ClientHello was accepted
  /// (RFC 8446 §4.2.11.2).
  var hasShownSecret: Bool {
    switch stream.tls {
    case .some(let tls): tls.hasPresharedKey
    case .none: false
    }
  }

  /// Whether the nodes are to join anew now.
  func isRejoinDue(at now: Instant) -> Bool { rejoinDeadline.map { now >= $0 || !link.hasStreams } ?? false }

  /// When to continue although there is no event.
  var deadline: Instant {
    let deadline = link.deadline ?? .distantFuture
    return quota.remaining == 0 ? min(deadline, quota.windowEnd) : deadline
  }

  mutating func became(_ readiness: Readiness) { stream.became(readiness) }

  // MARK: Output

  mutating func append(_ bytes: [UInt8]) { output += bytes }

  /// Bytes that wait in the output.
  var waiting: Int { output.count }

  /// Sends what the socket takes; returns the number of bytes.
  mutating func flush() -> Int {
    let bytes = output
    var sent = 0
    while sent < bytes.count, case .bytes(let count) = stream.write(bytes.span.extracting(droppingFirst: sent)) {
      sent += count
    }
    if sent > 0 { output = Array(bytes[sent...]) }
    return sent
  }

  /// Ends our direction, after what the socket has taken.
  mutating func end() { _ = stream.sendEnd() }

  // MARK: Input

  /// Continues without blocking.
  mutating func proceed(at now: Instant) -> Step {
    switch phase {
    case .connecting(let context): connect(context, at: now)
    case .handshaking: handshake(at: now)
    case .open: read(at: now)
    }
  }

  private mutating func connect(_ context: PairContext, at now: Instant) -> Step {
    if offer == nil {
      // Until then it has cost little.
      guard stream.hasFirstRecord || stream.hasEnded else { return isLate(at: now) ? .ended(Self.slow) : .wait }
    } else {
      guard stream.isSettled else { return isLate(at: now) ? .ended("it does not answer") : .wait }
      let code = Socket.error(of: stream.descriptor.number)
      if code == SystemError.connectionRefused { finding = .notListening }
      guard code == 0 else { return .ended(SystemError.words(for: code)) }
    }
    do throws(TLSError) { try stream.startTLS(context) } catch { return .ended("\(error)") }
    phase = .handshaking
    return handshake(at: now)
  }

  private mutating func handshake(at now: Instant) -> Step {
    switch stream.tls?.handshake() {
    case .done, nil:
      phase = .open
      return .opened
    case .failed(let failure):
      finding = .otherSecret
      return .ended("the TLS handshake failed, as with different secrets: \(failure)")
    case .yield: quota.close(at: now)
    case .wantsRead, .wantsWrite: break
    }
    return isLate(at: now) ? .ended(Self.slow) : .wait
  }

  private mutating func read(at now: Instant) -> Step {
    guard quota.refill(at: now) else { return .wait }
    var result: TLSReadResult?
    let bytes = [UInt8](capacity: min(quota.remaining, Self.recordSize)) { result = stream.tls?.read(into: &$0) }
    switch result {
    case .bytes(let count):
      quota.take(count)
      return .received(bytes)
    case .wouldBlock: return .wait
    case .yield:
      quota.close(at: now)
      return .wait
    case .closed, nil: return .ended("it closed the connection")
    case .truncated: return .ended("the connection broke")
    case .failed(let failure): return .ended("the connection broke: \(failure)")
    }
  }

  private func isLate(at now: Instant) -> Bool { link.deadline.map { now >= $0 } ?? false }

  private static let slow = "the TLS handshake takes too long"
  /// Maximum of bytes that one read brings.
  private static let recordSize = 16_384
}
