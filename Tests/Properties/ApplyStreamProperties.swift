import Apply
import TLS
import Wire

/// What holds for any bytes at the receiver's socket: no more is kept than the limits allow, without the key nothing is
/// read, and what reads as a message is written as the same bytes.
///
/// The input: a byte for the size of the pieces, then what an untrusted peer sends after its greeting.
package enum ApplyStreamProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    guard let piece = bytes.first else { return }
    let stream = Array(bytes[1...])
    try checkMessages(stream)
    try checkStream(stream, piece: Int(piece) + 1)
  }

  private static func checkMessages(_ bytes: [UInt8]) throws(Violation) {
    if let request = try? ApplyRequest(decoding: bytes) {
      try require(request.encoded == bytes, "\(request) is written otherwise")
    }
    if let answer = try? ApplyAnswer(decoding: bytes) {
      try require(answer.encoded == bytes, "\(answer) is written otherwise")
    }
  }

  private static func checkStream(_ bytes: [UInt8], piece: Int) throws(Violation) {
    let nonce = [UInt8](repeating: 1, count: SignedStream.nonceBytes)
    let key = [UInt8](repeating: 2, count: 32)
    var stream = SignedStream(.receiver, key: key, nonce: nonce) { Digest.hmacSHA256(key: $0, $1) }
    // With or without a greeting.
    if bytes.count.isMultiple(of: 2) { stream.append(stream.greeting) }
    for start in stride(from: 0, to: bytes.count, by: piece) {
      stream.append(Array(bytes[start..<min(start + piece, bytes.count)]))
      let message: [UInt8]?
      do throws(ApplyError) { message = try stream.next() } catch { return }
      try require(message == nil, "an unsigned message was read")
    }
  }
}
