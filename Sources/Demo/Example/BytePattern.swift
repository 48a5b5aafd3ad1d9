/// The bytes that `/bytes/N` and `/chunks/N` are made of: the byte at offset `i` is `i mod 251`.
///
/// 251 is a prime, so a piece that is lost, doubled or moved shows whatever power of two its size is.
package enum BytePattern {
  package static let period = 251

  /// Whole periods, a little less than one TLS record: what is sent at once, and the size of a chunk.
  package static let block: [UInt8] = (0..<period * 65).map { UInt8($0 % period) }
}
