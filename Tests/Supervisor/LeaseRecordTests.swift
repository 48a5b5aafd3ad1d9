import Domain
import Testing
import VRRP
import Wire

@testable import Supervisor

@Suite struct `The lease record` {
  private static let record = {
    var record = LeaseRecord()
    record.addresses = [
      LeaseRecord.Address(
        interface: "eth0", address: VirtualAddress(address: IPAddress(v4: 0xc000_0264), prefixLength: 24)),
      LeaseRecord.Address(
        interface: "eth0.5",
        address: VirtualAddress(address: IPAddress(v6High: 0x2001_0db8_0000_0000, low: 0x100), prefixLength: 64)),
    ]
    record.packets = [
      LeaseRecord.Packet(
        interface: "eth0", source: IPAddress(v4: 0xc000_020b), destination: IPAddress(v4: 0xe000_0012),
        bytes: [0x31, 51, 0, 1, 0, 0xff])
    ]
    return record
  }()

  @Test func `is decoded as it was encoded`() throws {
    #expect(
      Self.record.text == """
        belvedere leases 1
        address eth0 192.0.2.100/24
        address eth0.5 2001:db8::100/64
        packet eth0 192.0.2.11 224.0.0.18 3133000100ff

        """)
    #expect(try LeaseRecord(parsing: Self.record.text) == Self.record)
    #expect(try LeaseRecord(parsing: LeaseRecord().text) == LeaseRecord())
  }

  @Test(arguments: [
    ("", 1), ("belvedere leases 2\n", 1), ("belvedere leases 1\naddress eth0 192.0.2.100\n", 2),
    ("belvedere leases 1\naddress eth0 192.0.2.100/33\n", 2), ("belvedere leases 1\naddress eth0 192.0.2.1/24 x\n", 2),
    ("belvedere leases 1\npacket eth0 192.0.2.11 ff02::12 31\n", 2),
    ("belvedere leases 1\npacket eth0 192.0.2.11 224.0.0.18 313\n", 2),
    ("belvedere leases 1\npacket eth0 192.0.2.11 224.0.0.18 3x\n", 2), ("belvedere leases 1\n\nroute\n", 2),
  ])
  func `an invalid record is refused with its line`(text: String, line: Int) {
    let error = #expect(throws: LeaseRecord.Malformed.self) { try LeaseRecord(parsing: text) }
    #expect(error?.line == line)
  }
}

@Suite struct `The lifetime of a lease` {
  @Test(arguments: [(10, 1), (100, 1), (333, 1), (334, 2), (1000, 3), (1001, 4), (40_950, 123)])
  func `is three intervals, in whole seconds, at least one`(milliseconds: UInt64, seconds: UInt64) {
    var settings = VirtualRouterSettings(identifier: 51, priority: 101, addresses: [])
    settings.interval = .milliseconds(milliseconds)
    #expect(settings.lease == .seconds(seconds))
  }
}
