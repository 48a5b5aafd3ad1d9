import CLinux
import Glibc
import Wire

/// Datagrams on their way through, as many as one system call takes, each of any size.
@safe
public struct DatagramBatch: ~Copyable {
  /// How many it has room for.
  public static var most: Int { cl_batch_most }

  /// Where a datagram came from, and to which address of ours. Sent from there, an answer looks like one to the client.
  public struct Ends: Hashable, Sendable {
    public let peer: Endpoint
    /// The interface of a link-local peer, else 0.
    public let scope: UInt32
    public let local: IPAddress

    public init(peer: Endpoint, scope: UInt32, local: IPAddress) {
      self.peer = peer
      self.scope = scope
      self.local = local
    }
  }

  /// Nil before anything was received.
  private var made: OpaquePointer?

  /// An empty one. It takes memory with the first datagrams.
  public init() {
    // SAFETY: nothing is there yet.
    unsafe made = nil
  }

  deinit {
    // SAFETY: made by `receive`, and not used any more.
    unsafe cl_batch_free(made)
  }

  private var batch: OpaquePointer {
    // SAFETY: owned by this value until `deinit` frees it.
    guard let made = unsafe made else { preconditionFailure("nothing was received") }
    return unsafe made
  }

  /// Replaces the contents by what waits at a socket, and returns how many datagrams that is: 0 when nothing waits. Throws
  /// an error of the socket, which has been taken from it.
  public mutating func receive(from number: Int32) throws(SystemError) -> Int {
    // SAFETY: owned by this value until `deinit` frees it.
    if unsafe made == nil { unsafe made = cl_batch_make() }
    guard unsafe made != nil else { throw SystemError("calloc") }
    // SAFETY: the batch lives as long as this value.
    let count = retryingInterrupts { unsafe Int(cl_batch_receive(batch, number)) }
    if count >= 0 { return count }
    guard cl_errno() == EAGAIN else { throw SystemError("recvmmsg") }
    return 0
  }

  /// The bytes of the datagram at `index`, below the last count.
  public func size(at index: Int) -> Int {
    precondition(0..<Self.most ~= index)
    // SAFETY: the index is inside the batch.
    return unsafe cl_batch_size(batch, Int32(index))
  }

  /// The ends of a listener's datagram at `index`, below the last count. Nil when a reply could not be addressed.
  public func ends(at index: Int) -> Ends? {
    precondition(0..<Self.most ~= index)
    var ends = cl_ends()
    // SAFETY: the index is inside the batch, and `ends` lives through the call.
    guard unsafe cl_batch_ends(batch, Int32(index), &ends) != 0 else { return nil }
    return Ends(
      peer: Endpoint(address: IPAddress(ends.peer), port: ends.port), scope: ends.scope, local: IPAddress(ends.local))
  }

  /// Sends some of the datagrams: to the peer that the socket is connected to, or back between `ends` from a listener of
  /// this family. Returns how many were sent, and the errno of the last one that was not.
  public mutating func send(
    _ range: Range<Int>, on number: Int32, between ends: (Ends, IPAddress.Family)? = nil
  ) -> (sent: Int, fault: Int32) {
    precondition(range.lowerBound >= 0 && range.upperBound <= Self.most)
    var way = cl_ends()
    if let (ends, _) = ends {
      way = cl_ends(
        peer: cl_address(ends.peer.address), local: cl_address(ends.local), scope: ends.scope, port: ends.peer.port)
    }
    var (next, sent, fault) = (range.lowerBound, 0, Int32(0))
    while next < range.upperBound {
      let (first, count) = (Int32(next), Int32(range.upperBound - next))
      // SAFETY: the range is inside the batch, and `way` lives through the call.
      let result = retryingInterrupts {
        if let (_, family) = ends {
          return unsafe Int(cl_batch_send(batch, number, first, count, &way, Int32(family.rawValue)))
        }
        return unsafe Int(cl_batch_send(batch, number, first, count, nil, 0))
      }
      if result < 0 { fault = cl_errno() }
      if result < 0, fault == EAGAIN { break }
      sent += max(0, result)
      // What can't be sent holds up nothing behind it.
      next += max(1, result)
    }
    return (sent, fault)
  }
}
