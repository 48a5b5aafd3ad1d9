import Configuration
import Control
import Domain
import Linux
import Logging
import Systemd
import VRRP
import Wire

/// Executes the effects of virtual routers: packets, frames and notes; addresses are in `RouterAddresses.swift`.
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
