import Testing
import Wire

@testable import VRRP

private let hardware: [UInt8] = [0x02, 0x42, 0xac, 0x11, 0x00, 0x02]

private func sighting(arp frame: [UInt8]) -> AddressAnnouncement.Sighting? {
  AddressAnnouncement.sighting(arp: frame.span)
}

private func sighting(neighbour message: [UInt8]) -> AddressAnnouncement.Sighting? {
  AddressAnnouncement.sighting(neighbourAdvertisement: message.span)
}

@Suite struct `Address announcements` {
  @Test func `a gratuitous ARP is broadcast with our hardware address (RFC 5227 §3)`() {
    let start = [UInt8](repeating: 0xff, count: 6) + hardware + [0x08, 0x06] + [0, 1, 0x08, 0, 6, 4, 0]
    let request = start + [1] + hardware + [192, 0, 2, 100] + [0, 0, 0, 0, 0, 0] + [192, 0, 2, 100]
    // For devices that learn only from replies.
    let answer = start + [2] + hardware + [192, 0, 2, 100] + hardware + [192, 0, 2, 100]
    #expect(AddressAnnouncement.frames(IPAddress(v4: 0xc000_0264), at: hardware) == [request, answer])
  }

  @Test func `an ARP probe has no sender address (RFC 5227 §2.1.1)`() {
    let expected: [UInt8] =
      [UInt8](repeating: 0xff, count: 6) + hardware + [0x08, 0x06] + [0, 1, 0x08, 0, 6, 4, 0, 1] + hardware
      + [0, 0, 0, 0] + [0, 0, 0, 0, 0, 0] + [192, 0, 2, 100]
    #expect(AddressAnnouncement.probe(IPAddress(v4: 0xc000_0264), from: hardware, ip("192.0.2.5")) == expected)
  }

  @Test func `a probe over IPv6 comes from a node's own address, to the address's group (RFC 4861 §4.3)`() throws {
    let (address, source) = (ip("2001:db8::12:3456"), ip("fe80::5"))
    let frame = AddressAnnouncement.probe(address, from: hardware, source)
    #expect(frame.count == 14 + 40 + 32)
    #expect(Array(frame[..<14]) == [0x33, 0x33, 0xff, 0x12, 0x34, 0x56] + hardware + [0x86, 0xdd])
    #expect(Array(frame[18..<22]) == [0, 32, 58, 255])
    #expect(IPAddress(bytes: frame.span.extracting(22..<38)) == source)
    #expect(frame[54] == 135)
    // The destination of the reply: the neighbour need not resolve it.
    #expect(Array(frame[78...]) == [1, 1] + hardware)
    var sum = InternetChecksum()
    let message = Array(frame[54...])
    sum.add(message.span)
    sum.addPseudoHeader(source: source, destination: ip("ff02::1:ff12:3456"), protocolNumber: 58, length: 32)
    #expect(sum.value == 0)
  }

  @Test func `over IPv6 the solicited flag distinguishes a reply from an announcement (RFC 4861 §4.4)`() {
    for (flags, claim): (UInt8, AddressClaim) in [
      (0x20, .announced), (0x00, .announced), (0xa0, .announced), (0x60, .answered), (0x40, .answered),
      (0xe0, .answered),
    ] {
      var message = Array(AddressAnnouncement.frames(ip("2001:db8::100"), at: hardware)[0][54...])
      message[4] = flags
      #expect(sighting(neighbour: message)?.claim == claim, "flags \(flags)")
    }
  }

  @Test func `ARP announcements, replies to a probe and requests for another address are distinguished`() {
    func arp(_ operation: UInt8, target: [UInt8]) -> [UInt8] {
      [UInt8](repeating: 0xff, count: 6) + hardware + [0x08, 0x06] + [0, 1, 0x08, 0, 6, 4, 0, operation] + hardware
        + [192, 0, 2, 100] + [0, 0, 0, 0, 0, 0] + target
    }
    #expect(sighting(arp: arp(1, target: [192, 0, 2, 100]))?.claim == .announced)
    #expect(sighting(arp: arp(2, target: [192, 0, 2, 100]))?.claim == .announced)
    #expect(sighting(arp: arp(2, target: [0, 0, 0, 0]))?.claim == .answered)
    #expect(sighting(arp: arp(1, target: [192, 0, 2, 1]))?.claim == .used)
    #expect(sighting(arp: arp(2, target: [192, 0, 2, 1]))?.claim == .used)
  }

  @Test func `a neighbour advertisement has the override flag (RFC 4861 §4.4)`() throws {
    let address = try IPAddress(parsing: "2001:db8::100")
    let frame = AddressAnnouncement.frames(address, at: hardware)[0]
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
  func `announcements are decoded as announcements`(text: String) throws {
    let address = try IPAddress(parsing: text)
    let frame = AddressAnnouncement.frames(address, at: hardware)[0]
    let found = try #require(address.family == .v4 ? sighting(arp: frame) : sighting(neighbour: Array(frame[54...])))
    #expect(found.claim == .announced)
    #expect(found.address == address)
    #expect(found.hardwareAddress == hardware)
  }

  @Test func `truncated and unrelated packets are no claim, and decoding ends`() throws {
    let arp = AddressAnnouncement.frames(IPAddress(v4: 0xc000_0264), at: hardware)[0]
    for count in 0..<arp.count { #expect(sighting(arp: Array(arp[..<count])) == nil) }
    for index in 12..<20 {
      var other = arp
      other[index] ^= 0xff
      #expect(sighting(arp: other) == nil)
    }
    let advertisement = Array(
      AddressAnnouncement.frames(try IPAddress(parsing: "2001:db8::1"), at: hardware)[0][54...])
    for count in 0..<advertisement.count {
      #expect(sighting(neighbour: Array(advertisement[..<count])) == nil)
    }
    var endless = advertisement
    endless[25] = 0
    #expect(sighting(neighbour: endless) == nil)
  }
}
