import Testing
import Wire

@testable import VRRP

private let hardware: [UInt8] = [0x02, 0x42, 0xac, 0x11, 0x00, 0x02]

private func claim(arp frame: [UInt8]) -> (address: IPAddress, hardwareAddress: [UInt8])? {
  AddressAnnouncement.claim(arp: frame.span)
}

private func claim(neighbour message: [UInt8]) -> (address: IPAddress, hardwareAddress: [UInt8])? {
  AddressAnnouncement.claim(neighbourAdvertisement: message.span)
}

@Suite struct `Announcing an address to its network` {
  @Test func `gratuitous ARP says who has the address, to everybody (RFC 5227 §3)`() {
    let frame = AddressAnnouncement.frame(IPAddress(v4: 0xc000_0264), at: hardware)
    let expected: [UInt8] =
      [UInt8](repeating: 0xff, count: 6) + hardware + [0x08, 0x06] + [0, 1, 0x08, 0, 6, 4, 0, 1] + hardware
      + [192, 0, 2, 100] + [0, 0, 0, 0, 0, 0] + [192, 0, 2, 100]
    #expect(frame == expected)
  }

  @Test func `a neighbour advertisement overrides what neighbours know (RFC 4861 §4.4)`() throws {
    let address = try IPAddress(parsing: "2001:db8::100")
    let frame = AddressAnnouncement.frame(address, at: hardware)
    #expect(frame.count == 14 + 40 + 32)
    #expect(Array(frame[..<14]) == [0x33, 0x33, 0, 0, 0, 1] + hardware + [0x86, 0xdd])
    #expect(frame[20] == 58)
    #expect(frame[21] == 255)
    #expect(frame[54] == 136)
    // Not a router, not solicited, overriding.
    #expect(frame[58] == 0x20)
    var sum = InternetChecksum()
    let message = Array(frame[54...])
    sum.add(message.span)
    sum.addPseudoHeader(
      source: address, destination: try IPAddress(parsing: "ff02::1"), protocolNumber: 58, length: 32)
    #expect(sum.value == 0)
  }

  @Test(arguments: ["192.0.2.100", "2001:db8::100"])
  func `what one node announces another one reads`(text: String) throws {
    let address = try IPAddress(parsing: text)
    let frame = AddressAnnouncement.frame(address, at: hardware)
    let found = try #require(address.family == .v4 ? claim(arp: frame) : claim(neighbour: Array(frame[54...])))
    #expect(found.address == address)
    #expect(found.hardwareAddress == hardware)
  }

  @Test func `what is cut short or something else claims nothing, and reading ends`() throws {
    let arp = AddressAnnouncement.frame(IPAddress(v4: 0xc000_0264), at: hardware)
    for count in 0..<arp.count { #expect(claim(arp: Array(arp[..<count])) == nil) }
    for index in 12..<20 {
      var other = arp
      other[index] ^= 0xff
      #expect(claim(arp: other) == nil)
    }
    let advertisement = Array(AddressAnnouncement.frame(try IPAddress(parsing: "2001:db8::1"), at: hardware)[54...])
    for count in 0..<advertisement.count {
      #expect(claim(neighbour: Array(advertisement[..<count])) == nil)
    }
    var endless = advertisement
    endless[25] = 0
    #expect(claim(neighbour: endless) == nil)
  }
}
