/// A piece of bytes that are too long for one message. The pieces follow one another, each in a message of its own.
public struct BytePiece: Hashable, Sendable {
  /// It replaces what came before.
  public let isFirst: Bool
  public let isLast: Bool
  public let bytes: [UInt8]

  /// Maximum size of a piece.
  public static let limit = 8192

  public init(isFirst: Bool, isLast: Bool, bytes: [UInt8]) {
    self.isFirst = isFirst
    self.isLast = isLast
    self.bytes = bytes
  }

  /// At least one, of `limit` bytes each but for the last.
  public static func pieces(of bytes: [UInt8]) -> [BytePiece] {
    stride(from: 0, to: max(1, bytes.count), by: limit).map { start in
      let end = min(start + limit, bytes.count)
      return BytePiece(isFirst: start == 0, isLast: end == bytes.count, bytes: Array(bytes[start..<end]))
    }
  }
}

/// Puts pieces together.
///
/// Invariant: it keeps at most `limit` bytes.
public struct PieceBuffer: Sendable {
  /// A piece is missing, too short, or there are more bytes than the limit allows.
  public struct Failure: Error, Hashable, Sendable {}

  /// Pieces before the last one have at least so many bytes, so that a long series has few of them.
  private static let smallestPiece = 1024

  private let limit: Int
  /// Nil until a first piece comes.
  private var bytes: [UInt8]?

  /// For at most `limit` bytes in all.
  public init(limit: Int) { self.limit = limit }

  /// Adds a piece; returns all bytes when it was the last one. After an error, what comes before the next first piece is
  /// an error too.
  public mutating func append(_ piece: BytePiece) throws(Failure) -> [UInt8]? {
    var whole = piece.isFirst ? [] : bytes
    bytes = nil
    guard whole != nil, piece.isLast || piece.bytes.count >= Self.smallestPiece,
      (whole?.count ?? 0) + piece.bytes.count <= limit
    else { throw Failure() }
    whole?.append(contentsOf: piece.bytes)
    guard !piece.isLast else { return whole }
    bytes = whole
    return nil
  }
}
