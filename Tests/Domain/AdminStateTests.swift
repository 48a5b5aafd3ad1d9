import Domain
import Testing
import Wire

@Suite struct `An administrative state` {
  @Test(
    arguments: [
      (nil, nil, nil, [0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 1, 2, 0]),
      (.drain, nil, nil, [1, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 1, 2, 0]),
      (.maintenance, 256, "lb1", [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3] + "lb1".utf8),
    ] as [(AdminState.Mode?, Int?, String?, [UInt8])])
  func `has one encoding`(mode: AdminState.Mode?, weight: Int?, node: String?, bytes: [UInt8]) throws {
    let state = AdminState(mode: mode, weight: weight, since: WallTime(milliseconds: 258), node: node)
    var writer = ByteWriter(limit: 100)
    state.append(to: &writer)
    #expect(writer.bytes == bytes)
    var reader = ByteReader(bytes.span)
    #expect(try AdminState(reading: &reader) == state)
    try reader.expectEnd()
    for count in bytes.indices {
      var reader = ByteReader(bytes.span.extracting(..<count))
      #expect(throws: FieldError.truncated) { try AdminState(reading: &reader) }
    }
  }

  @Test func `is unknown with a mode of a later release`() throws {
    let bytes: [UInt8] = [3, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 1, 2, 0]
    var reader = ByteReader(bytes.span)
    #expect(try AdminState(reading: &reader) == nil)
    try reader.expectEnd()
  }

  @Test func `is encoded without a node whose name is not valid`() throws {
    let state = AdminState(since: WallTime(seconds: 1), node: String(repeating: "n", count: 65))
    var writer = ByteWriter(limit: 100)
    state.append(to: &writer)
    #expect(writer.bytes.last == 0 && writer.bytes.count == 12)
  }

  @Test func `replaces an earlier one, and one of the same time from a node before it`() {
    func state(_ seconds: Int64, _ node: String?) -> AdminState {
      AdminState(since: WallTime(seconds: seconds), node: node)
    }
    #expect(state(2, "lb1").isLater(than: state(1, "lb2")) && !state(1, "lb2").isLater(than: state(2, "lb1")))
    #expect(state(1, "lb2").isLater(than: state(1, "lb1")) && state(1, "lb1").isLater(than: state(1, nil)))
    #expect(!state(1, "lb1").isLater(than: state(1, "lb1")))
  }
}
