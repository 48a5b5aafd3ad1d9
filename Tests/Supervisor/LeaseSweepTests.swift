import Domain
import Testing
import VRRP
import Wire

@testable import Configuration
@testable import Linux
@testable import Supervisor

private let virtual = IPAddress(v4: 0xc000_0264)
private let other = IPAddress(v4: 0xc000_0265)
private let ours = InterfaceAddress.ourProtocol
/// As Linux 5.18 and later marks the loopback address.
private let marked = InterfaceAddress(
  interface: 1, address: IPAddress(v4: 0x7f00_0001), prefixLength: 8, lifetime: nil, origin: 1)

private let interfaces = ["lo", "eth0", "eth1"].enumerated().map { index, name in
  NetworkInterface(
    index: Int32(index + 1), name: name, isUp: true, hasCarrier: true, isLoopback: index == 0, hardwareAddress: [])
}

private let router = Configuration.VirtualRouter(
  interface: "eth0",
  settings: VirtualRouterSettings(
    identifier: 51, priority: 101, addresses: [VirtualAddress(address: virtual, prefixLength: 24)]))

private func present(
  _ address: IPAddress, on interface: Int32 = 2, lifetime: UInt32?, origin: UInt8 = ours
) -> InterfaceAddress {
  InterfaceAddress(interface: interface, address: address, prefixLength: 24, lifetime: lifetime, origin: origin)
}

private func recorded(_ address: IPAddress) -> LeaseRecord.Address {
  LeaseRecord.Address(interface: "eth0", address: VirtualAddress(address: address, prefixLength: 24))
}

private func sweep(_ present: [InterfaceAddress], _ recorded: [LeaseRecord.Address] = []) -> LeaseSweep {
  LeaseSweep(present, on: interfaces, recorded: recorded)
}

private func leftovers(_ present: [InterfaceAddress], _ recorded: [LeaseRecord.Address] = []) -> [IPAddress] {
  sweep(present, recorded).leftovers([router]).map(\.address.address)
}

@Suite struct `Leases of an earlier run` {
  @Test func `are removed where the configuration or the lease file names them`() {
    #expect(leftovers([marked, present(virtual, lifetime: 3)]) == [virtual])
    #expect(leftovers([marked, present(other, lifetime: 3)]) == [], "another service's")
    #expect(leftovers([marked, present(other, lifetime: 3)], [recorded(other)]) == [other])
    #expect(leftovers([marked, present(virtual, on: 3, lifetime: 3)]) == [], "on another interface")
    #expect(leftovers([marked, present(other, on: 3, lifetime: 3)], [recorded(other)]) == [])
    #expect(leftovers([marked, present(virtual, on: 9, lifetime: 3)]) == [], "on an interface without a name")
  }

  @Test func `do not include what an operator or another program has set`() {
    for address in [virtual, other] {
      let record = [recorded(address)]
      for present in [present(address, lifetime: nil, origin: 0), present(address, lifetime: 100, origin: 0)] {
        #expect(leftovers([marked, present], record) == [])
        #expect(sweep([marked, present], record).released == [])
      }
    }
  }

  @Test func `are recognised by their lifetime before Linux 5.18`() {
    #expect(leftovers([present(virtual, lifetime: 3, origin: 0)]) == [virtual])
    #expect(leftovers([present(virtual, lifetime: 4, origin: 0)]) == [], "longer than three intervals")
    #expect(leftovers([present(other, lifetime: 4, origin: 0)], [recorded(other)]) == [other])
    #expect(leftovers([present(other, lifetime: nil, origin: 0)], [recorded(other)]) == [])
  }

  @Test func `are released without a configuration, also after the kernel has removed them`() {
    let record = [recorded(virtual), recorded(other)]
    #expect(sweep([marked, present(virtual, lifetime: 1)], record).released == record)
    #expect(sweep([marked], record).released == record)
    #expect(sweep([marked, present(other, lifetime: nil)], record).released == [recorded(virtual)])
  }
}
