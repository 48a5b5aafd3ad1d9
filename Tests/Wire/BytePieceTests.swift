import Testing
import Wire

@Suite struct `Bytes in pieces` {
  private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 / 3) } }

  @Test(arguments: [0, 1, BytePiece.limit, BytePiece.limit + 1, 5 * BytePiece.limit])
  func `are assembled to the original bytes`(count: Int) throws {
    let pieces = BytePiece.pieces(of: Self.bytes(count))
    #expect(pieces.count == max(1, (count + BytePiece.limit - 1) / BytePiece.limit))
    #expect(pieces.map(\.isFirst) == pieces.indices.map { $0 == 0 })
    var buffer = PieceBuffer(limit: count)
    var results: [[UInt8]?] = []
    for piece in pieces { results.append(try buffer.append(piece)) }
    #expect(results.last == Self.bytes(count) && results.dropLast().allSatisfy { $0 == nil })
  }

  @Test func `are refused if one is missing, too short, or over the limit`() throws {
    var buffer = PieceBuffer(limit: 4096)
    let first = BytePiece(isFirst: true, isLast: false, bytes: Self.bytes(2048))
    let next = BytePiece(isFirst: false, isLast: false, bytes: Self.bytes(1024))
    let last = BytePiece(isFirst: false, isLast: true, bytes: [1])
    #expect(throws: PieceBuffer.Failure.self) { try buffer.append(last) }
    #expect(try buffer.append(first) == nil)
    #expect(throws: PieceBuffer.Failure.self) {
      try buffer.append(BytePiece(isFirst: false, isLast: false, bytes: Self.bytes(1023)))
    }
    #expect(throws: PieceBuffer.Failure.self) { try buffer.append(last) }
    for piece in [first, next, next] { #expect(try buffer.append(piece) == nil) }
    #expect(throws: PieceBuffer.Failure.self) { try buffer.append(last) }
    // A first piece replaces those of a series that was not completed.
    for piece in [first, first, next] { #expect(try buffer.append(piece) == nil) }
    #expect(try buffer.append(last)?.count == 2048 + 1024 + 1)
  }
}
