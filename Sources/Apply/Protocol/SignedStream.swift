import Wire

/// One end of a connection between `belvedere apply` and the receiver of another node. Each direction begins with a
/// greeting, and goes on with messages that are signed with the apply key:
///
///     greeting: `BVDAPPL1`, 32 random bytes
///     message:  its length in 32 bits, the message, HMAC-SHA256 of the direction in 8 bits, the number of the message
///               in 64 bits, both greetings' random bytes, and the message
///
/// A message of another connection, direction or place therefore fails the check of its digest.
///
/// Invariant: before the first valid message at most `firstLimit` bytes of one are kept, later at most `payloadLimit`.
package struct SignedStream: Sendable {
  /// The two ends.
  package enum Side: UInt8, Sendable {
    case requester = 1, receiver

    var other: Side { self == .requester ? .receiver : .requester }
  }

  /// HMAC-SHA256 (RFC 2104) of a message with a key: 32 bytes.
  package typealias Digest = @Sendable (_ key: [UInt8], _ message: [UInt8]) -> [UInt8]

  package static let nonceBytes = 32
  /// The longest message: a file with its path.
  package static let payloadLimit = ApplyProposal.fileBytes + 1024
  /// The longest first message of the requester, before it has shown that it has the key.
  static let firstLimit = 512
  private static let magic = Array("BVDAPPL1".utf8)
  private static let digestBytes = 32

  private let side: Side
  private let key: [UInt8]
  private let nonce: [UInt8]
  private let digest: Digest
  private var otherNonce: [UInt8]?
  private var sent: UInt64 = 0
  private var received: UInt64 = 0
  private var input: [UInt8] = []

  /// `nonce`: random, for this connection only.
  package init(_ side: Side, key: [UInt8], nonce: [UInt8], digest: @escaping Digest) {
    precondition(nonce.count == Self.nonceBytes)
    self.side = side
    self.key = key
    self.nonce = nonce
    self.digest = digest
  }

  /// The first bytes to send.
  package var greeting: [UInt8] { Self.magic + nonce }

  /// Whether the other end's greeting was received: only then can messages be signed.
  package var isOpen: Bool { otherNonce != nil }

  /// The bytes to send for a message; the stream must be open.
  package mutating func sign(_ message: [UInt8]) -> [UInt8] {
    precondition(isOpen && message.count <= Self.payloadLimit)
    defer { sent += 1 }
    var head = ByteWriter(limit: 4)
    head.append(bigEndian: UInt32(message.count))
    return head.bytes + message + signature(of: message, from: side, number: sent)
  }

  /// Takes what was received.
  package mutating func append(_ bytes: [UInt8]) { input += bytes }

  /// Takes the other end's greeting; false until all of it was received.
  package mutating func open() throws(ApplyError) -> Bool {
    guard !isOpen else { return true }
    let count = Self.magic.count + Self.nonceBytes
    guard input.starts(with: Self.magic.prefix(input.count)) else { throw .version }
    guard input.count >= count else { return false }
    otherNonce = Array(input[Self.magic.count..<count])
    input.removeFirst(count)
    return true
  }

  /// The next message; nil until all of it was received.
  package mutating func next() throws(ApplyError) -> [UInt8]? {
    guard try open(), input.count >= 4 else { return nil }
    let count = input[..<4].reduce(0) { $0 << 8 | Int($1) }
    guard count <= (received == 0 && side == .receiver ? Self.firstLimit : Self.payloadLimit) else {
      throw .tooLong(count)
    }
    let end = 4 + count + Self.digestBytes
    guard input.count >= end else { return nil }
    let message = Array(input[4..<4 + count])
    let expected = signature(of: message, from: side.other, number: received)
    guard expected.isEqualInConstantTime(to: Array(input[4 + count..<end])) else { throw .digest }
    received += 1
    input.removeFirst(end)
    return message
  }

  private func signature(of message: [UInt8], from sender: Side, number: UInt64) -> [UInt8] {
    let other = otherNonce ?? []
    let nonces = side == .requester ? nonce + other : other + nonce
    var head = ByteWriter(limit: 9)
    head.append(sender.rawValue)
    head.append(bigEndian: number)
    return digest(key, head.bytes + nonces + message)
  }
}
