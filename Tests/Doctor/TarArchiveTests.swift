import Doctor
import Testing
import Wire

@Suite struct `An archive of a report` {
  @Test func `a file has a header with a valid checksum, and whole blocks`() {
    var archive = TarArchive(time: WallTime(seconds: 1_800_000_000))
    archive.add("folder/a.txt", Array("hello".utf8))
    archive.add("folder/empty", [])
    let bytes = archive.bytes
    #expect(bytes.count == 512 * 5)
    #expect(Array(bytes[0..<13]) == Array("folder/a.txt".utf8) + [0])
    #expect(String(decoding: bytes[124..<135], as: UTF8.self) == "00000000005")
    #expect(Array(bytes[512..<518]) == Array("hello".utf8) + [0])
    var header = Array(bytes[0..<512])
    let sum = Int(String(decoding: header[148..<154], as: UTF8.self), radix: 8)
    header.replaceSubrange(148..<156, with: Array("        ".utf8))
    #expect(header.reduce(0) { $0 + Int($1) } == sum)
    #expect(bytes.suffix(1024).allSatisfy { $0 == 0 })
  }

  @Test func `a name that is too long is cut`() {
    var archive = TarArchive(time: WallTime(seconds: 0))
    archive.add(String(repeating: "a", count: 300), [])
    #expect(archive.bytes[99] == UInt8(ascii: "a") && archive.bytes[100] == UInt8(ascii: "0"))
  }
}
