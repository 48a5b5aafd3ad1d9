import Domain
import Linux
import Logging
import VRRP
import Wire

/// Sets and removes the addresses of virtual routers, and keeps the lease file.
extension VirtualRouters {
  mutating func holdAddresses(_ index: Int, _ lease: Interval, at now: Instant) {
    // Signed packets expire; the others do not change.
    if !instances[index].isRecorded || instances[index].plan.keyed != nil { isFileStale = true }
    for address in leases(index, seconds: UInt32(clamping: lease.milliseconds / 1000)) {
      do throws(SystemError) { try routes.put(address) } catch {
        say(index, .error, "\(error)", as: .address, at: now)
      }
    }
  }

  mutating func dropAddresses(_ index: Int) {
    isFileStale = true
    resetConnections(index)
    for address in leases(index, seconds: 0) {
      do throws(SystemError) { _ = try routes.remove(address) } catch { log(index, .error, "\(error)") }
    }
  }

  /// Resets the connections to the addresses, which can't continue without them, while an RST can still be sent:
  /// clients notice at once, and a stop need not wait for them. When the link is down an RST would be lost; the
  /// connections are kept then, since the link may return.
  private mutating func resetConnections(_ index: Int) {
    guard instances[index].port?.interface.isUsable == true else { return }
    do throws(SystemError) {
      var reset = try ConnectionReset()
      var count = 0
      for address in leases(index, seconds: 0) { count += try reset.reset(at: address.address) }
      if count > 0 { log(index, .info, "reset \(count) connections to the removed address") }
    } catch {
      log(index, .warning, "connections to the removed address are not reset: \(error)")
    }
  }

  private func leases(_ index: Int, seconds: UInt32) -> [InterfaceAddress] {
    guard let interface = instances[index].port?.interface.index else { return [] }
    let own = instances[index].plan.settings.addresses.filter { !instances[index].foreign.contains($0.address) }
    return own.map {
      InterfaceAddress(
        interface: interface, address: $0.address, prefixLength: $0.prefixLength, lifetime: seconds,
        origin: InterfaceAddress.ourProtocol)
    }
  }

  /// Writes the lease file, for the case that this process dies.
  mutating func writeFile() {
    isFileStale = false
    guard let leaseFile else { return }
    var record = LeaseRecord()
    for index in instances.indices {
      instances[index].isRecorded = routerSet.routers[index].holdsAddresses
      if instances[index].isRecorded { add(index, to: &record) }
    }
    do throws(SystemError) { try leaseFile.write(record) } catch { log.warning("vrrp: \(error)") }
  }

  private func add(_ index: Int, to record: inout LeaseRecord) {
    let instance = instances[index]
    guard let interface = instance.port?.interface.name else { return }
    for address in leases(index, seconds: 0) {
      let address = VirtualAddress(address: address.address, prefixLength: address.prefixLength)
      record.addresses.append(LeaseRecord.Address(interface: interface, address: address))
    }
    guard let source = instance.source else { return }
    // Signed with a time after the next renewal, which replaces the packets.
    let age = Interval(nanoseconds: instance.plan.settings.lease.nanoseconds / 4 + 1_000_000_000)
    let time = Clock.wall() + age
    var channel = instance.channel
    for advertisement in routerSet.routers[index].shutdownAdvertisements {
      for destination in instance.destinations {
        record.packets.append(
          LeaseRecord.Packet(
            interface: interface, source: source, destination: destination,
            bytes: channel.encode(advertisement, from: source, to: destination, at: time)))
      }
    }
  }
}
