import Testing

@testable import Control

@Suite struct `Frames of a stream` {
  private let frames: [StreamFrames.Frame] = [
    .data([1]), .data([UInt8](repeating: 2, count: 8192)), .end(reason: "lb2 has left: belvedere stops"),
  ]

  @Test func `have one spelling`() {
    #expect(StreamFrames.Frame.data([7, 8]).encoded == [0, 2, 7, 8])
    #expect(StreamFrames.Frame.end(reason: "ü").encoded == [0, 0, 0, 2, 0xc3, 0xbc])
    #expect(StreamFrames.Frame.end(reason: "").encoded == [0, 0, 0, 0])
  }

  @Test(arguments: [1, 2, 3, 5000, 100_000]) func `are read as they were written, in any pieces`(size: Int) {
    var reader = StreamFrames()
    var read: [StreamFrames.Frame] = []
    let bytes = frames.flatMap(\.encoded)
    for start in stride(from: 0, to: bytes.count, by: size) {
      reader.append(Array(bytes[start..<min(start + size, bytes.count)]))
      while let frame = reader.next() { read.append(frame) }
    }
    #expect(read == frames && reader.next() == nil)
  }
}
