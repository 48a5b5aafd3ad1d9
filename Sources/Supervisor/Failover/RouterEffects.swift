import Configuration
import Control
import Domain
import Linux
import Logging
import Systemd
import VRRP
import Wire

/// Executes the effects of virtual routers: packets, addresses, frames, and the lease file.
extension VirtualRouters {
  mutating func perform(_ effects: [RouterSet.Effect], at now: Instant) {
    for effect in effects {
      let index = effect.router
      switch effect.effect {
      case .send(let advertisement): send(advertisement, index, at: now)
      case .holdAddresses(let lease): holdAddresses(index, lease, at: now)
      case .dropAddresses: dropAddresses(index)
      case .announce(let times): announce(index, times, at: now)
      case .probe: probe(index, at: now)
      case .note(let note): log(index, Logger.Level(note.level), note.text, state: note.newRole)
      case .transitioned(let transition): changes.append(RoleChange(router: index, transition: transition))
      case .failedOver(let successor, let wasActive):
        end(index, !wasActive ? .notActive : successor == nil ? .kept : .handedOver, successor)
      case .failedBack(let isActive, let other): end(index, isActive ? .active : .back, other)
      case .stopped: stopped.insert(index)
      }
    }
    if isFileStale { writeFile() }
  }

  /// An operator's request is complete.
  private mutating func end(_ index: Int, _ outcome: Handover.Outcome, _ other: IPAddress?) {
    let name = instances[index].plan.router.name
    handovers.append((index, Handover(name: name, outcome: outcome, successor: other.map { "\($0)" })))
  }

  private mutating func send(_ advertisement: Advertisement, _ index: Int, at now: Instant) {
    guard let port = instances[index].port, let source = instances[index].source else { return }
    let destinations = instances[index].destinations
    if destinations.isEmpty { say(index, .error, "none of `peers` is another node", as: .peers, at: now) }
    for destination in destinations {
      let packet = instances[index].channel.encode(advertisement, from: source, to: destination, at: .now)
      do throws(SystemError) { try port.send(packet, from: source, to: destination) } catch {
        say(index, .warning, "\(error)", as: .sending, at: now)
      }
    }
  }

  private mutating func holdAddresses(_ index: Int, _ lease: Interval, at now: Instant) {
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

  private mutating func announce(_ index: Int, _ times: Int, at now: Instant) {
    guard let port = instances[index].port else { return }
    for _ in 0..<times {
      for address in instances[index].plan.settings.ipAddresses {
        do throws(SystemError) { try port.announce(address) } catch {
          say(index, .warning, "\(error)", as: .sending, at: now)
        }
      }
    }
  }

  private mutating func probe(_ index: Int, at now: Instant) {
    guard let source = instances[index].source else { return }
    for address in instances[index].plan.settings.ipAddresses {
      do throws(SystemError) { try instances[index].port?.probe(address, from: source) } catch {
        say(index, .warning, "\(error)", as: .sending, at: now)
      }
    }
  }

  /// Writes the lease file, for the case that this process dies.
  private mutating func writeFile() {
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

extension VirtualRouters {
  /// Logs a message of a virtual router; `state` when it is about a change to that role.
  func log(_ index: Int, _ level: Logger.Level, _ text: String, state: VirtualRouterRole? = nil) {
    let plan = instances[index].plan
    var metadata: Logger.Metadata = ["router": "\(plan.router.name)"]
    if let state { metadata["state"] = "\(state)" }
    log.log(level: level, "vrrp: \(plan.router.name) on \(plan.router.interface): \(text)", metadata: metadata)
  }

  /// Logs a message that may repeat often, at most once a minute.
  mutating func say(
    _ index: Int, _ level: Logger.Level, _ text: String, as topic: LogTopic, at now: Instant
  ) {
    if instances[index].logLimiter.take(topic, at: now) != nil { log(index, level, text) }
  }
}
