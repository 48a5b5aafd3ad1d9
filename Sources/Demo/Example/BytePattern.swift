/// The content of `/bytes/N` and `/chunks/N`: the byte at offset `i` is `i mod 251`.
///
/// 251 is a prime, so lost, duplicated or moved parts are detected whatever power of two their size is.
package enum BytePattern {
  package static let period = 251

  /// Whole periods, a little less than one TLS record: the unit of sending, and the size of a chunk.
  package static let block: [UInt8] = (0..<period * 65).map { UInt8($0 % period) }
}
