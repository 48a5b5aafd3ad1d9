import Testing
import Wire

@Suite struct ByteCodecTests {
  @Test func `a value is decoded as it was encoded, in network byte order`() throws {
    var writer = ByteWriter(limit: 64)
    writer.append(0x01 as UInt8)
    writer.append(bigEndian: 0x0203 as UInt16)
    writer.append(bigEndian: 0x0405_0607 as UInt32)
    writer.append(bigEndian: 0x0809_0a0b_0c0d_0e0f as UInt64)
    writer.append([0xaa, 0xbb].span)
    writer.append("end")
    let bytes = try writer.finish()
    #expect(bytes == Array(1...15) + [0xaa, 0xbb] + Array("end".utf8))

    var reader = ByteReader(bytes.span)
    #expect(try reader.readUInt8() == 0x01)
    #expect(try reader.readUInt16() == 0x0203)
    #expect(try reader.readUInt32() == 0x0405_0607)
    #expect(try reader.readUInt64() == 0x0809_0a0b_0c0d_0e0f)
    let two = try reader.readBytes(2)
    #expect(two.count == 2 && two[0] == 0xaa && two[1] == 0xbb)
    #expect(reader.remaining == 3)
    #expect(throws: ByteReader.Failure.trailingBytes) { try reader.expectEnd() }
    _ = try reader.readBytes(3)
    try reader.expectEnd()
  }

  @Test func `a read past the end is truncated and consumes nothing`() throws {
    let bytes: [UInt8] = [0, 0, 0, 9, 1]
    var reader = ByteReader(bytes.span)
    #expect(throws: ByteReader.Failure.truncated) { _ = try reader.readUInt64() }
    #expect(throws: ByteReader.Failure.truncated) { _ = try reader.readBytes(6) }
    #expect(throws: ByteReader.Failure.truncated) { _ = try reader.readBytes(-1) }
    #expect(throws: ByteReader.Failure.truncated) { _ = try reader.readBytes(.max) }
    #expect(reader.position == 0)
    #expect(try reader.readUInt32() == 9)
  }

  @Test func `a writer beyond its limit has no result`() {
    var writer = ByteWriter(limit: 3)
    writer.append(bigEndian: 1 as UInt32)
    #expect(throws: ByteWriter.Overflow()) { try writer.finish() }
  }

  @Test(arguments: [0, 9, 10, 255, 65535, .max] as [UInt64])
  func `numbers are written without leading zeros`(number: UInt64) throws {
    var decimal = ByteWriter(limit: 20)
    decimal.append(decimal: number)
    #expect(String(decoding: try decimal.finish(), as: UTF8.self) == String(number))
    var hexadecimal = ByteWriter(limit: 16)
    hexadecimal.append(hexadecimal: number)
    #expect(String(decoding: try hexadecimal.finish(), as: UTF8.self) == String(number, radix: 16))
  }
}
