import Domain
import Wire

// Encoding and decoding of fields that several messages have. Numbers are big-endian.

extension ByteWriter {
  /// One byte of length, then UTF-8 without control characters, truncated to 255 bytes.
  mutating func append(text: String) {
    var text = text.escapingControls()[...]
    while text.utf8.count > 255 { text.removeLast() }
    append(UInt8(text.utf8.count))
    for byte in text.utf8 { append(byte) }
  }

  mutating func append(_ time: WallTime) { append(bigEndian: time.milliseconds) }
}

extension ByteReader {
  mutating func readText(_ name: String) throws -> String {
    let bytes = try readBytes(Int(try readUInt8()))
    guard let text = try? String(copying: UTF8Span(validating: bytes)),
      !text.unicodeScalars.contains(where: \.isControl)
    else { throw PairError.invalidField(name) }
    return text
  }

  mutating func readTime() throws -> WallTime {
    guard let time = WallTime(exactMilliseconds: try readUInt64()) else { throw PairError.invalidField("time") }
    return time
  }

  /// A number with two bytes, at most `limit`, and as many elements.
  mutating func readList<Element>(
    _ name: String, limit: Int, _ element: (inout ByteReader) throws -> Element
  ) throws -> [Element] {
    let count = Int(try readUInt16())
    guard count <= limit else { throw PairError.invalidField("number of \(name)") }
    var list: [Element] = []
    for _ in 0..<count { list.append(try element(&self)) }
    return list
  }
}

/// Runs a decoder, with the errors of messages.
func decoding<Value>(_ body: () throws -> Value) throws(PairError) -> Value {
  do {
    return try body()
  } catch let error as PairError {
    throw error
  } catch let error as FieldError {
    throw PairError(error)
  } catch {
    throw (error as? ByteReader.Failure).map(PairError.init) ?? .truncated
  }
}
