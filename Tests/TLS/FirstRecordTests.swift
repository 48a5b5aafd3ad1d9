import TLS
import Testing

@Suite struct FirstRecordTests {
  @Test(
    arguments: [
      // The header, the number of pending bytes, whether the record is ready.
      (nil, 0, false), (nil, 4, false),
      // A ClientHello of 256 bytes: without its last byte, complete, and with more bytes after it.
      (0x16_0301_0100, 260, false), (0x16_0301_0100, 261, true), (0x16_0303_0100, 999, true),
      // An empty record, the largest one, and one that is too large, which is refused at once.
      (0x16_0301_0000, 5, true), (0x16_0301_4000, 16_388, false), (0x16_0301_4000, 16_389, true),
      (0x16_0301_4001, 5, true), (0x16_0301_ffff, 5, true),
      // An alert, HTTP, SSL 2, TLS of another major version: the rest is not waited for.
      (0x15_0301_0002, 5, true), (0x4745_5420_2f, 5, true), (0x80_2e01_0301, 5, true), (0x16_0401_0100, 5, true),
    ] as [(UInt64?, Int, Bool)])
  func `a first record is ready when it is complete or no TLS handshake (RFC 8446 §5.1)`(
    header: UInt64?, waiting: Int, isReady: Bool
  ) {
    #expect(FirstRecord.isReady(header: header, waiting: waiting) == isReady)
  }
}
