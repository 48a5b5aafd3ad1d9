import Wire

/// An archive of small text files in the ustar format (POSIX.1-1988, pax(1)).
package struct TarArchive {
  /// The longest name that fits in a header.
  package static let nameLimit = 100
  private static let block = 512
  /// Its owner may read and write it.
  private static let mode = 0o600
  private static let regularFile = UInt8(ascii: "0")

  private let time: WallTime
  private var blocks: [UInt8] = []

  /// `time`: when its files were changed.
  package init(time: WallTime) { self.time = time }

  /// Adds a file. A longer name is cut.
  package mutating func add(_ name: String, _ contents: [UInt8]) {
    var header = [UInt8](repeating: 0, count: Self.block)
    func put(_ bytes: [UInt8], at offset: Int) {
      header.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
    // Octal digits and a final NUL.
    func put(_ number: Int, digits: Int, at offset: Int) {
      let text = String(number, radix: 8)
      put(Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8), at: offset)
    }
    put(Array(name.utf8.prefix(Self.nameLimit)), at: 0)
    put(Self.mode, digits: 7, at: 100)
    put(0, digits: 7, at: 108)
    put(0, digits: 7, at: 116)
    put(contents.count, digits: 11, at: 124)
    put(Int(time.seconds), digits: 11, at: 136)
    // The checksum is computed with spaces in its place.
    put([UInt8](repeating: UInt8(ascii: " "), count: 8), at: 148)
    put([Self.regularFile], at: 156)
    put(Array("ustar\0".utf8) + Array("00".utf8), at: 257)
    let sum = header.reduce(0) { $0 + Int($1) }
    put(sum, digits: 6, at: 148)
    put([0], at: 154)
    let padding = (Self.block - contents.count % Self.block) % Self.block
    blocks += header + contents + [UInt8](repeating: 0, count: padding)
  }

  /// The whole archive.
  package var bytes: [UInt8] { blocks + [UInt8](repeating: 0, count: 2 * Self.block) }
}
