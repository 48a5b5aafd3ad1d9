import Domain
import Wire

/// Counters in the order of their list, each in as many bytes as it needs: seven bits a byte, the lowest first, and the
/// highest bit of all but the last byte set (LEB128). Most counters are zero or small.
struct Counted<Counts: CounterSet>: MessageField {
  private let counts: Counts

  init(_ counts: Counts) { self.counts = counts }

  func append(to writer: inout ByteWriter) { for value in counts.values { Variable(value).append(to: &writer) } }
}

/// A number of variable length.
struct Variable: MessageField {
  private let value: UInt64

  init(_ value: UInt64) { self.value = value }

  func append(to writer: inout ByteWriter) {
    var rest = value
    while rest >= 0x80 {
      writer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    writer.append(UInt8(truncatingIfNeeded: rest))
  }
}

extension FieldReader {
  /// A number of variable length, in the fewest bytes.
  mutating func variable() throws(MessageError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0 as UInt64, to: 64, by: 7) {
      let byte = try uint8()
      let bits = UInt64(byte & 0x7f)
      guard (bits << shift) >> shift == bits else { break }
      value |= bits << shift
      if byte < 0x80 {
        guard byte > 0 || shift == 0 else { break }
        return value
      }
    }
    throw .invalidField("counter")
  }

  mutating func counted<Counts: CounterSet>() throws(MessageError) -> Counts {
    var values: [UInt64] = []
    for _ in 0..<Counts.count { values.append(try variable()) }
    return Counts(values: values)
  }
}

extension ServiceFigures: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(fields: Variable(connections), Variable(clients), Counted(counts))
  }
}

extension FieldReader {
  mutating func serviceFigures() throws(MessageError) -> ServiceFigures {
    ServiceFigures(connections: try variable(), clients: try variable(), counts: try counted())
  }
}
