import CLinux
import Glibc
import Wire

/// Stream sockets between processes of one machine (unix(7)), non-blocking and closed on exec. A path that starts with
/// `@` is an abstract name without a file: it exists as long as the socket, and only the peer's identity protects it.
public enum LocalSocket {
  /// The identity of a connected peer.
  public struct Peer: Hashable, Sendable {
    public let process: Int32
    public let user: UInt32
    public let group: UInt32
  }

  /// The most connections that wait in the kernel.
  private static let backlog: Int32 = 64

  /// A listening socket that only its owner and group may connect to. A stale socket at the path is replaced;
  /// EADDRINUSE when it is in use, EEXIST when the path is another kind of file.
  public static func listen(at path: String) throws(SystemError) -> Descriptor {
    if !isAbstract(path) { try clear(path) }
    // SAFETY: path and count belong together and live during the call.
    return try Descriptor(
      unsafe path.withCString { unsafe cl_local_listen($0, path.utf8.count, backlog) }, of: "listen \(path)")
  }

  /// Connects. EAGAIN: the queue is full, for `bound` when the socket may block.
  public static func connect(to path: String, within bound: Interval = .zero) throws(SystemError) -> Descriptor {
    let milliseconds = Int32(clamping: bound.milliseconds)
    // SAFETY: path and count belong together and live during the call.
    let number = unsafe path.withCString { unsafe cl_local_connect($0, path.utf8.count, milliseconds) }
    return try Descriptor(number, of: "connect \(path)")
  }

  /// The next waiting connection; nil when there is none.
  public static func accept(from listener: borrowing Descriptor) throws(SystemError) -> Descriptor? {
    while true {
      let number = cl_local_accept(listener.number)
      if number >= 0 { return Descriptor(owning: number) }
      switch cl_errno() {
      case EAGAIN: return nil
      case EINTR, ECONNABORTED: continue
      default: throw SystemError("accept4")
      }
    }
  }

  /// The peer's credentials when it connected (SO_PEERCRED).
  public static func peer(of socket: borrowing Descriptor) throws(SystemError) -> Peer {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
    // SAFETY: the call fills the three numbers.
    guard unsafe cl_peer(socket.number, &process, &user, &group) == 0 else { throw SystemError("SO_PEERCRED") }
    return Peer(process: process, user: user, group: group)
  }

  /// Whether the peer is root, this process's user, or in the group of the socket's file.
  public static func isAuthorized(_ socket: borrowing Descriptor, _ peer: Peer, at path: String) -> Bool {
    if peer.user == 0 || peer.user == geteuid() { return true }
    guard !isAbstract(path), let file = FileStatus(of: path) else { return false }
    return cl_peer_has_group(socket.number, file.group) == 1
  }

  /// The result of a read.
  public enum Receipt: Sendable {
    case bytes([UInt8])
    case nothing
    /// The peer has closed its direction or the connection.
    case ended
  }

  /// Reads at most `limit` bytes. Never blocks.
  public static func receive(from socket: borrowing Descriptor, limit: Int) -> Receipt {
    var count = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
      // SAFETY: the kernel fills at most `buffer.count` bytes, and returns how many.
      count = retryingInterrupts {
        unsafe recv(socket.number, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
      }
      initialized = max(0, count)
    }
    if count > 0 { return .bytes(bytes) }
    return count < 0 && cl_errno() == EAGAIN ? .nothing : .ended
  }

  /// Whether the peer has closed the connection: not only its own direction, in which it may have no more to send.
  public static func isClosed(_ socket: borrowing Descriptor) -> Bool {
    var poll = pollfd(fd: socket.number, events: 0, revents: 0)
    // SAFETY: one element, alive during the call.
    _ = retryingInterrupts { unsafe CLinux.poll(&poll, 1, 0) }
    return poll.revents & Int16(POLLHUP | POLLERR) != 0
  }

  /// Removes the socket's file.
  public static func remove(_ path: String) {
    guard !isAbstract(path) else { return }
    // SAFETY: the path is a C string during the call.
    _ = unsafe unlink(path)
  }

  /// Whether the path is a socket's file.
  public static func exists(_ path: String) -> Bool { FileStatus(ofLink: path)?.isSocket == true }

  /// Whether the path is an abstract name.
  public static func isAbstract(_ path: String) -> Bool { path.hasPrefix("@") }

  private static func clear(_ path: String) throws(SystemError) {
    guard let file = FileStatus(ofLink: path) else { return }
    guard file.isSocket else { throw SystemError("listen \(path)", code: EEXIST) }
    do throws(SystemError) { _ = try connect(to: path) } catch {
      if error.code == ECONNREFUSED { return remove(path) }
      // The listener's queue is full.
      guard error.code == EAGAIN else { throw error }
    }
    throw SystemError("listen \(path)", code: EADDRINUSE)
  }
}

extension File {
  /// Creates a directory for this process's user and group, unless the path exists. Its parent must exist.
  public static func makeDirectory(_ path: String) throws(SystemError) {
    // SAFETY: the path is a C string during the call.
    guard unsafe mkdir(path, 0o750) == 0 || cl_errno() == EEXIST else {
      throw SystemError("mkdir \(path)")
    }
  }

  /// The directory part of a path.
  public static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }
}
