import CLinux
import Glibc
import Wire

/// Stream sockets between processes of one machine (unix(7)), non-blocking and closed on exec. A path that begins with
/// `@` is a name in the kernel and no file: it goes with the socket, and only the peer's identity protects it.
public enum LocalSocket {
  /// Who has connected.
  public struct Peer: Hashable, Sendable {
    public let process: Int32
    public let user: UInt32
    public let group: UInt32
  }

  /// Connections that may wait in the kernel.
  private static let backlog: Int32 = 64

  /// A listening socket that its owner and its group may connect to, and nobody else. What an earlier process left at
  /// the path is replaced; EADDRINUSE when a socket there is alive, EEXIST when something else is there.
  public static func listen(at path: String) throws(SystemError) -> Descriptor {
    if !isName(path) { try clear(path) }
    // SAFETY: path and count belong together and live during the call.
    return try Descriptor(
      unsafe path.withCString { unsafe cl_local_listen($0, path.utf8.count, backlog) }, of: "listen \(path)")
  }

  /// Connects. EAGAIN: as many wait there as may, and so much longer, if the socket may block.
  public static func connect(to path: String, within bound: Interval = .zero) throws(SystemError) -> Descriptor {
    let milliseconds = Int32(clamping: bound.milliseconds)
    // SAFETY: path and count belong together and live during the call.
    let number = unsafe path.withCString { unsafe cl_local_connect($0, path.utf8.count, milliseconds) }
    return try Descriptor(number, of: "connect \(path)")
  }

  /// The next waiting connection; nil when none waits.
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

  /// Whose process connected, as the kernel noted it then (SO_PEERCRED).
  public static func peer(of socket: borrowing Descriptor) throws(SystemError) -> Peer {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
    // SAFETY: the call fills the three numbers.
    guard unsafe cl_peer(socket.number, &process, &user, &group) == 0 else { throw SystemError("SO_PEERCRED") }
    return Peer(process: process, user: user, group: group)
  }

  /// Whether the peer is root, this process's own user, or in the group that the socket's file belongs to.
  public static func mayCommand(_ socket: borrowing Descriptor, _ peer: Peer, at path: String) -> Bool {
    if peer.user == 0 || peer.user == geteuid() { return true }
    guard !isName(path) else { return false }
    // SAFETY: the path is a C string during the call.
    return cl_peer_has_group(socket.number, unsafe cl_file_group(path)) == 1
  }

  /// What a read found.
  public enum Receipt: Sendable {
    case bytes([UInt8])
    case nothing
    /// The peer has ended its direction, or is gone.
    case ended
  }

  /// Reads at most `limit` bytes. Never waits.
  public static func receive(from socket: borrowing Descriptor, limit: Int) -> Receipt {
    var count = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
      // SAFETY: the kernel fills at most `buffer.count` bytes, and says how many.
      count = retryingInterrupts {
        unsafe recv(socket.number, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
      }
      initialized = max(0, count)
    }
    if count > 0 { return .bytes(bytes) }
    return count < 0 && cl_errno() == EAGAIN ? .nothing : .ended
  }

  /// Takes the socket's file away.
  public static func remove(_ path: String) {
    guard !isName(path) else { return }
    // SAFETY: the path is a C string during the call.
    _ = unsafe unlink(path)
  }

  /// Whether there is a socket's file at the path.
  public static func isThere(_ path: String) -> Bool {
    // SAFETY: the path is a C string during the call.
    unsafe cl_is_socket_file(path) == 1
  }

  /// The path is no file's.
  public static func isName(_ path: String) -> Bool { path.hasPrefix("@") }

  private static func clear(_ path: String) throws(SystemError) {
    // SAFETY: the path is a C string during the call.
    switch unsafe cl_is_socket_file(path) {
    case 1: break
    case 0: throw SystemError("listen \(path)", code: EEXIST)
    default: return
    }
    do throws(SystemError) { _ = try connect(to: path) } catch {
      if error.code == ECONNREFUSED { return remove(path) }
      // Too many wait for whoever listens there.
      guard error.code == EAGAIN else { throw error }
    }
    throw SystemError("listen \(path)", code: EADDRINUSE)
  }
}

extension File {
  /// Makes a directory for this process's user, its group and nobody else, unless something is there already. The
  /// directory above must be there.
  public static func makeDirectory(_ path: String) throws(SystemError) {
    // SAFETY: the path is a C string during the call.
    guard unsafe mkdir(path, 0o750) == 0 || cl_errno() == EEXIST else {
      throw SystemError("mkdir \(path)")
    }
  }

  /// The directory that a path's last component is in.
  public static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }
}
