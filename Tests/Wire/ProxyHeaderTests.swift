import Testing
import Wire

/// The PROXY protocol's header (proxy-protocol.txt of 2020/03/05).
@Suite struct ProxyHeaderTests {
  private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
  private static let addressesV4: [UInt8] = [192, 0, 2, 7, 192, 0, 2, 1, 0xc4, 0x88, 1, 0xbb]
  private static let addressesV6: [UInt8] =
    [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7] + [UInt8](repeating: 1, count: 16) + [
      0xc4, 0x88, 1, 0xbb,
    ]
  private static let fields: [UInt8] = [0x04, 0, 1, 0, 0x02, 0, 4, 0x76, 0x69, 0x65, 0x77]

  private static func block(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
    signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 0xff)] + rest
  }

  static let accepted: [(header: [UInt8], source: String?)] =
    [
      ("PROXY TCP4 192.0.2.7 192.0.2.1 50312 443\r\n", "192.0.2.7:50312"),
      ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
      ("PROXY TCP4 192.0.2.7 192.0.2.1 0 0\r\n", "192.0.2.7:0"),
      ("PROXY TCP6 2001:db8::7 2001:DB8:0:0:0:0:0:1 50312 443\r\n", "[2001:db8::7]:50312"),
      ("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:c000:201 50312 443\r\n", "192.0.2.7:50312"),
      ("PROXY UNKNOWN\r\n", nil), ("PROXY UNKNOWN \0\r anything\r\n", nil),
      ("PROXY UNKNOWN \(String(repeating: "f", count: 91))\r\n", nil),
    ].map { (Array($0.utf8), $1) } + [
      (block(0x21, 0x11, addressesV4), "192.0.2.7:50312"), (block(0x21, 0x11, addressesV4 + fields), "192.0.2.7:50312"),
      (block(0x21, 0x21, addressesV6), "[2001:db8::7]:50312"),
      (block(0x21, 0x21, addressesV6 + fields), "[2001:db8::7]:50312"),
      (block(0x21, 0x11, addressesV4 + [UInt8](repeating: 4, count: 4068)), "192.0.2.7:50312"),
      // LOCAL, with any addresses; UNSPEC; a Unix socket; UDP.
      (block(0x20, 0x00, []), nil), (block(0x20, 0x11, addressesV4), nil), (block(0x20, 0xff, [1, 2, 3]), nil),
      (block(0x21, 0x00, []), nil), (block(0x21, 0x00, fields), nil), (block(0x21, 0x01, []), nil),
      (block(0x21, 0x31, [UInt8](repeating: 0, count: 216)), nil), (block(0x21, 0x12, addressesV4), nil),
      (block(0x21, 0x22, addressesV6), nil), (block(0x21, 0x10, addressesV4), nil),
    ]

  @Test(arguments: accepted)
  func `is decoded when it is complete, without the bytes after it`(header: [UInt8], source: String?) {
    for following in [[], Array("PROXY ".utf8), [0x16, 3, 1], [10]] as [[UInt8]] {
      let bytes = header + following
      for count in 0..<bytes.count + 1 {
        let reading = ProxyHeader.parse(bytes.span.extracting(0..<count))
        guard count >= header.count else {
          #expect(reading == .incomplete, "of \(count) bytes")
          continue
        }
        guard case .header(let read) = reading else {
          Issue.record("\(reading) of \(count) bytes")
          continue
        }
        #expect(read.length == header.count && read.source?.description == source)
      }
    }
  }

  @Test func `is encoded in version 2, with addresses of one family`() throws {
    let (v4, v6) = (try Endpoint(parsing: "192.0.2.7:50312"), try Endpoint(parsing: "[2001:db8::7]:50312"))
    let (service, service6) = (
      try Endpoint(parsing: "192.0.2.1:443"), try Endpoint(parsing: "[101:101:101:101:101:101:101:101]:443")
    )
    #expect(ProxyHeader.bytes(from: v4, to: service) == Self.block(0x21, 0x11, Self.addressesV4))
    #expect(ProxyHeader.bytes(from: v6, to: service6) == Self.block(0x21, 0x21, Self.addressesV6))
    let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]
    #expect(
      ProxyHeader.bytes(from: v6, to: service)
        == Self.block(0x21, 0x21, Self.addressesV6[..<16] + mapped + [192, 0, 2, 1, 0xc4, 0x88, 1, 0xbb]))
    #expect(
      ProxyHeader.bytes(from: v4, to: service6)
        == Self.block(0x21, 0x21, mapped + [192, 0, 2, 7] + Self.addressesV6[16...]))
    #expect(ProxyHeader.localBytes == Self.block(0x20, 0, []))
  }

  static let refused: [[UInt8]] =
    [
      "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\n", "\u{16}\u{3}\u{1}", "\r\n\r\nGET", "proxy TCP4 ", "PROXY\r\n",
      "PROXYTCP4",
      "PROXY \r\n", "PROXY  TCP4 192.0.2.7 192.0.2.1 50312 443\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 50312 443\n",
      "PROXY TCP4 192.0.2.7 192.0.2.1 50312 443 \r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 50312\r\n",
      "PROXY TCP4 192.0.2.7  192.0.2.1 50312 443\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 050312 443\r\n",
      "PROXY TCP4 192.0.2.7 192.0.2.1 50312 65536\r\n", "PROXY TCP4 192.0.2.7 192.0.2.1 -1 443\r\n",
      "PROXY TCP4 192.0.2.07 192.0.2.1 50312 443\r\n", "PROXY TCP4 192.0.2.7 192.0.2 50312 443\r\n",
      "PROXY TCP4 2001:db8::7 2001:db8::1 50312 443\r\n", "PROXY TCP6 192.0.2.7 192.0.2.1 50312 443\r\n",
      "PROXY TCP6 2001:db8::7 192.0.2.1 50312 443\r\n", "PROXY TCP6 [2001:db8::7] 2001:db8::1 50312 443\r\n",
      "PROXY TCP5 192.0.2.7 192.0.2.1 50312 443\r\n", "PROXY tcp4 192.0.2.7 192.0.2.1 50312 443\r\n",
      "PROXY UNKNOWNS\r\n", "PROXY UNKNOWN\n", "PROXY UNKNOWN \(String(repeating: "f", count: 92))\r\n",
      "PROXY UDP4 192.0.2.7 192.0.2.1 50312 443\r\n",
    ].map { Array($0.utf8) } + [
      // Another version, command, family or protocol; too short; too long.
      block(0x11, 0x11, addressesV4), block(0x22, 0x11, addressesV4), block(0x2f, 0x00, []),
      block(0x21, 0x41, addressesV4),
      block(0x21, 0x13, addressesV4), block(0x21, 0x11, addressesV4.dropLast()),
      block(0x21, 0x21, addressesV6.dropLast()),
      block(0x21, 0x11, []), block(0x21, 0x11, addressesV4 + [UInt8](repeating: 4, count: 4069)),
      block(0x20, 0x00, [UInt8](repeating: 4, count: 65_535)),
    ]

  @Test(arguments: refused)
  func `is refused if it is malformed, whatever follows`(bytes: [UInt8]) {
    let readings = (0..<bytes.count + 1).map { ProxyHeader.parse(bytes.span.extracting(0..<$0)) }
    #expect(readings.last == .malformed)
    let first = readings.firstIndex(of: .malformed) ?? readings.count
    #expect(readings[..<first].allSatisfy { $0 == .incomplete } && readings[first...].allSatisfy { $0 == .malformed })
  }
}
