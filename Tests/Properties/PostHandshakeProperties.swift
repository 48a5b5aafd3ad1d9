import Domain
import Glibc
import Linux
import TLS

/// Properties of any records that a peer sends after the handshake: no call reads more from the socket than its
/// limit, none loops without end or waits for bytes already received, application data arrives unchanged, and a failed
/// connection stays failed.
///
/// The first byte selects the peer's side and the TLS version. Then there is a command for each record: its kind, a
/// length and the bytes; the upper bits of the kind are the number of repetitions.
package enum PostHandshakeProperties {
  private static let contexts = Result { () throws(TLSError) in try RecordPeer.Contexts() }
  private static let bytesPerCall = 66 * 1024
  /// The limit of bytes sent in one run: enough for a flood of any kind.
  private static let mostBytes = 200_000

  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let first = bytes.first ?? 0
    let (side, version) = (
      first & 1 == 0 ? RecordPeer.Side.client : .server, first & 2 == 0 ? TLSVersion.tls13 : .tls12
    )
    guard let contexts = try? contexts.get() else { throw Violation("no contexts") }
    let sockets = ConnectedSockets()
    let peer = RecordPeer(side, version, on: sockets.right, of: contexts)
    guard var connection = connect(sockets.left, to: side, contexts) else { throw Violation("no connection") }
    try require(peer.handshake(with: &connection), "no handshake")
    let script = Script(bytes.dropFirst(), by: peer)
    try send(script, through: sockets, to: &connection)
  }

  private static func connect(
    _ descriptor: Int32, to side: RecordPeer.Side, _ contexts: RecordPeer.Contexts
  ) -> TLSConnection? {
    switch side {
    case .client: try? TLSConnection(accepting: descriptor, context: contexts.front)
    case .server: try? TLSConnection(connecting: descriptor, context: contexts.back, serverName: .none)
    }
  }

  /// The record to send, and the bytes that the application must receive.
  private struct Script {
    private(set) var wire: [UInt8] = []
    private(set) var data: [UInt8] = []

    init(_ commands: ArraySlice<UInt8>, by peer: RecordPeer) {
      var rest = commands
      while let kind = rest.popFirst(), wire.count < mostBytes {
        let content = Array(rest.dropFirst().prefix(Int(rest.popFirst() ?? 0)))
        rest = rest.dropFirst(content.count)
        // 1, 2, 8 or 100 times.
        for _ in 0..<[1, 2, 8, 100][Int(kind >> 6)] where wire.count < mostBytes { add(kind & 15, content, peer) }
      }
    }

    private mutating func add(_ kind: UInt8, _ content: [UInt8], _ peer: RecordPeer) {
      switch kind {
      case 0, 1:
        wire += peer.seal(RecordPeer.ContentType.applicationData, content)
        data += content
      case 2: wire += peer.keyUpdate()
      case 3: wire += peer.keyUpdate(requested: true)
      case 4: wire += peer.seal(RecordPeer.ContentType.handshake, RecordPeer.ticket)
      case 5: wire += peer.seal(RecordPeer.ContentType.handshake, RecordPeer.helloRequest)
      case 6: wire += peer.seal(RecordPeer.ContentType.handshake, RecordPeer.clientHello)
      case 7: for byte in content { wire += peer.seal(RecordPeer.ContentType.handshake, [byte]) }
      case 8, 9, 10: wire += peer.seal(RecordPeer.ContentType.handshake, content)
      case 11: wire += peer.seal(RecordPeer.ContentType.alert, content)
      case 12: wire += peer.seal(RecordPeer.ContentType.changeCipherSpec, content)
      case 13:
        let (type, rest) = (content.first ?? 0, Array(content.dropFirst()))
        wire += peer.seal(type, rest)
        data += peer.applicationData(type, rest)
      case 14: wire += content
      default: wire += [23, 3, 3, 0, UInt8(content.count)] + content
      }
    }
  }

  private static func send(
    _ script: Script, through sockets: borrowing ConnectedSockets, to connection: inout TLSConnection
  ) throws(Violation) {
    let answer: [UInt8] = [1, 2, 3, 4]
    var (sent, received, silent) = (0, [UInt8](), 0)
    while true {
      sent += sockets.send(script.wire[sent...])
      sockets.drain()
      let before = sockets.waiting
      connection.became([.readable, .writable])
      let result = read(from: &connection, onto: &received)
      try require(before - sockets.waiting <= bytesPerCall, "\(before - sockets.waiting) bytes in one call")
      switch result {
      case .bytes(let count):
        try require(count > 0, "a read of nothing")
        silent = 0
        _ = connection.write(answer.span)
      case .wouldBlock:
        try require(sockets.waiting == 0, "it waits while \(sockets.waiting) bytes lie there")
        guard sent < script.wire.count else { return try requirePrefix(received, of: script.data) }
      case .yield:
        silent += 1
        try require(connection.mayRead, "it gave way and does not go on")
        try require(silent <= mostBytes / bytesPerCall + 10, "it gives way for ever")
      case .closed, .truncated: return try requirePrefix(received, of: script.data)
      case .failed(let failure):
        try requirePrefix(received, of: script.data)
        guard case .failed(let again) = read(from: &connection, onto: &received) else {
          throw Violation("it goes on after \(failure)")
        }
        return try require(again.description == failure.description, "\(failure), then \(again)")
      }
    }
  }

  private static func requirePrefix(_ received: [UInt8], of data: [UInt8]) throws(Violation) {
    try require(data.starts(with: received), "\(received.count) bytes that are not what was sent")
  }

  private static func read(from connection: inout TLSConnection, onto received: inout [UInt8]) -> TLSReadResult {
    var result = TLSReadResult.wouldBlock
    received.append(addingCapacity: 1 << 14) { output in result = connection.read(into: &output) }
    return result
  }
}

/// Two connected stream sockets, non-blocking.
private struct ConnectedSockets: ~Copyable {
  let left: Int32
  let right: Int32

  init() {
    var pair: [Int32] = [-1, -1]
    let made = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair)
    precondition(made == 0)
    (left, right) = (pair[0], pair[1])
  }

  deinit {
    close(left)
    close(right)
  }

  /// Bytes pending in the left one.
  var waiting: Int {
    var count: Int32 = 0
    _ = unsafe ioctl(left, UInt(FIONREAD), &count)
    return Int(count)
  }

  /// Empties the right one, so that the left one can always write.
  func drain() {
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    while unsafe recv(right, &bytes, bytes.count, Int32(MSG_DONTWAIT)) > 0 {}
  }

  /// Sends from the right one as much as the socket takes.
  func send(_ bytes: ArraySlice<UInt8>) -> Int {
    let sent = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(right, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    return max(0, sent)
  }
}
