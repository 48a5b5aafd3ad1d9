import Simulation
import Testing
import Wire

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("0.0.0.0", "0.0.0.0"),
    ("192.0.2.1", "192.0.2.1"),
    ("255.255.255.255", "255.255.255.255"),
    ("::", "::"),
    ("::1", "::1"),
    ("1::", "1::"),
    ("2001:db8::1", "2001:db8::1"),
    ("2001:DB8:0:0:0:0:2:1", "2001:db8::2:1"),
    ("2001:0db8:0000:0001:0001:0001:0001:0001", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"),
    ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ("fe80::ffff:ffff:ffff:ffff", "fe80::ffff:ffff:ffff:ffff"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("::ffff:c000:201", "192.0.2.1"),
    ("1:2:3:4:5:6:7.8.9.10", "1:2:3:4:5:6:708:90a"),
  ])
  func `text is read by RFC 4291 §2.2 and written by RFC 5952 §4`(written: String, canonical: String) throws {
    let address = try IPAddress(parsing: written)
    #expect(address.description == canonical)
    #expect(try IPAddress(parsing: canonical) == address)
  }

  @Test(arguments: [
    "", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.04", "1.2.3.4 ", " 1.2.3.4", "1..2.3", "1.2.3.",
    "0x1.2.3.4",
    "1.2.3.4444", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4::5:6:7:8",
    "::12345", "g::",
    "fe80::1%eth0", "[::1]", "::1.2.3", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "::ffff:01.2.3.4", "::/0",
  ])
  func `other text is refused`(text: String) {
    #expect(throws: AddressTextError.notAnAddress) { try IPAddress(parsing: text) }
  }

  @Test(arguments: ["192.0.2.1", "2001:db8::1", "::", "0.0.0.0"])
  func `an address is decoded from its packet bytes`(text: String) throws {
    let address = try IPAddress(parsing: text)
    var writer = ByteWriter(limit: 16)
    address.writeBytes(into: &writer)
    let bytes = try writer.finish()
    #expect(bytes.count * 8 == address.bitWidth)
    #expect(IPAddress(bytes: bytes.span) == address)
    #expect(IPAddress(bytes: bytes.span.extracting(0..<3)) == nil)
  }

  @Test(arguments: [
    ("192.0.2.255", 24, 64, "192.0.2.0"),
    ("192.0.2.255", 32, 0, "192.0.2.255"),
    ("192.0.2.255", 0, 0, "0.0.0.0"),
    ("2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::"),
    ("2001:db8:1:2:3:4:5:6", 32, 56, "2001:db8:1::"),
    ("2001:db8:1:2:3:4:5:6", 32, 128, "2001:db8:1:2:3:4:5:6"),
    ("2001:db8:1:2:3:4:5:6", 32, 127, "2001:db8:1:2:3:4:5:6"),
    ("2001:db8:1:2:ffff:ffff:ffff:ffff", 32, 68, "2001:db8:1:2:f000::"),
    ("2001:db8:1:2:3:4:5:6", 32, 0, "::"),
  ])
  func `masking clears the bits after the prefix`(text: String, v4: Int, v6: Int, expected: String) throws {
    #expect(try IPAddress(parsing: text).masked(v4Prefix: v4, v6Prefix: v6).description == expected)
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `arbitrary bytes are refused, or are an address that is decoded again from its text`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("0019af:::....[]/%".utf8)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0..<24, using: &random)).map { _ in
        alphabet.randomElement(using: &random) ?? UInt8(random.next() & 0xff)
      }
      if let address = try? IPAddress(parsing: bytes.span) {
        #expect(try IPAddress(parsing: address.description) == address, "seed \(seed)")
      }
      if let prefix = try? IPPrefix(parsing: bytes.span) {
        #expect(try IPPrefix(parsing: prefix.description) == prefix, "seed \(seed)")
      }
      if let endpoint = try? Endpoint(parsing: bytes.span, defaultPort: 1) {
        #expect(try Endpoint(parsing: endpoint.description) == endpoint, "seed \(seed)")
      }
    }
  }

  @Test func `a sink that is too small overflows, and gets no more than its capacity`() throws {
    var writer = ByteWriter(limit: 5)
    try IPAddress(parsing: "192.0.2.1").write(into: &writer)
    #expect(writer.overflowed)
    #expect(writer.bytes == Array("192.0".utf8))
  }
}

@Suite struct IPPrefixTests {
  @Test(arguments: [
    ("10.0.0.0/8", "10.0.0.0/8"), ("0.0.0.0/0", "0.0.0.0/0"), ("192.0.2.1", "192.0.2.1/32"),
    ("192.0.2.1/32", "192.0.2.1/32"),
    ("2001:DB8::/32", "2001:db8::/32"), ("::/0", "::/0"), ("::1", "::1/128"), ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ("::ffff:0:0/96", "0.0.0.0/0"),
  ])
  func `a prefix is an address with the number of its fixed bits, or all of them`(
    written: String, canonical: String
  ) throws {
    #expect(try IPPrefix(parsing: written).description == canonical)
  }

  @Test(
    arguments: [
      ("10.0.0.0/33", .prefixLength(maximum: 32)), ("::/129", .prefixLength(maximum: 128)),
      ("10.0.0.0/", .prefixLength(maximum: 32)),
      ("10.0.0.0/08", .prefixLength(maximum: 32)), ("10.0.0.0/-1", .prefixLength(maximum: 32)),
      ("10.0.0.0/8/8", .prefixLength(maximum: 32)),
      ("10.0.0.0/99999999999999999999", .prefixLength(maximum: 32)), ("10.0.0/8", .notAnAddress), ("/8", .notAnAddress),
      ("", .notAnAddress),
    ] as [(String, AddressTextError)])
  func `a malformed prefix is refused with its reason`(text: String, error: AddressTextError) {
    #expect(throws: error) { try IPPrefix(parsing: text) }
  }

  @Test func `bits after the prefix are refused, and the network is suggested`() throws {
    let error = #expect(throws: AddressTextError.self) { try IPPrefix(parsing: "10.0.0.1/8") }
    #expect(error?.description == "has bits set after its prefix; the network is 10.0.0.0/8")
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false), ("0.0.0.0/0", "203.0.113.9", true),
    ("0.0.0.0/0", "::", false), ("::/0", "0.0.0.0", false), ("2001:db8::/32", "2001:db8:ffff::1", true),
    ("2001:db8::/32", "2001:db9::", false), ("2001:db8::1", "2001:db8::1", true), ("2001:db8::1", "2001:db8::2", false),
    ("10.0.0.0/8", "::ffff:10.1.2.3", true),
  ])
  func `a prefix contains the addresses of its family that share its bits`(
    prefix: String, address: String, inside: Bool
  ) throws {
    #expect(try IPPrefix(parsing: prefix).contains(IPAddress(parsing: address)) == inside)
  }
}

@Suite struct EndpointTests {
  @Test(arguments: ["192.0.2.1:443", "[2001:db8::1]:443", "[::]:1", "0.0.0.0:65535"])
  func `an endpoint is decoded as it was encoded`(text: String) throws {
    #expect(try Endpoint(parsing: text).description == text)
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1:443"), ("2001:db8::1", "[2001:db8::1]:443"), ("[2001:db8::1]", "[2001:db8::1]:443"),
    ("192.0.2.1:80", "192.0.2.1:80"), ("[::ffff:192.0.2.1]:80", "192.0.2.1:80"),
  ])
  func `a default port is used if none is written`(text: String, expected: String) throws {
    #expect(try Endpoint(parsing: text, defaultPort: 443).description == expected)
  }

  @Test(
    arguments: [
      ("192.0.2.1", .portMissing), ("2001:db8::1", .portMissing), ("[::1]", .portMissing), ("192.0.2.1:", .port),
      ("192.0.2.1:0", .port),
      ("192.0.2.1:65536", .port), ("192.0.2.1:+1", .port), ("192.0.2.1:080", .port), ("[::1]443", .port),
      ("[::1", .notAnAddress),
      ("[192.0.2.1]:443", .notAnAddress), ("view01:443", .notAnAddress), ("2001:db8::1:443:", .notAnAddress),
      (":443", .notAnAddress),
      ("", .notAnAddress),
    ] as [(String, AddressTextError)])
  func `a malformed endpoint is refused with its reason`(text: String, error: AddressTextError) {
    #expect(throws: error) { try Endpoint(parsing: text) }
  }
}
