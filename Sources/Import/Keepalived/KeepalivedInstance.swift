import Domain
import Wire

/// The lines of a `vrrp_instance`.
extension KeepalivedImport {
  mutating func settle(_ line: KeepalivedNode, of host: String, _ draft: inout RouterDraft) {
    let value = line.words.dropFirst().first ?? ""
    let verdict: Verdict?
    switch line.words[0] {
    case "interface":
      draft.set("interface", .scalar(value), of: host)
      verdict = Self.isInterface(value) ? .taken("vrrp.interface: \(value)") : .impossible("write vrrp.interface")
    case "virtual_router_id": verdict = choose("router", value, 1...255, &draft)
    case "priority":
      guard let number = UInt64(value), 1...255 ~= number else {
        verdict = .impossible("vrrp.priority is 1 to 255")
        break
      }
      draft.set("priority", .scalar("\(number)"), of: host)
      verdict = .taken("vrrp.priority of \(host): \(number)")
    case "advert_int": verdict = intervalVerdict(value, &draft)
    case "version": verdict = versionVerdict(value)
    case "nopreempt":
      draft.settings.set(["preempt"], .scalar("false"))
      verdict = .taken("vrrp.preempt: false")
    case "preempt": verdict = .standard("vrrp.preempt: true")
    case "preempt_delay":
      guard let time = Quantities.milliseconds(seconds: value), time <= 3_600_000 else {
        verdict = .impossible("vrrp.preempt-delay is at most 1h")
        break
      }
      draft.settings.set(["preempt-delay"], .scalar(Quantities.text(milliseconds: time)))
      verdict =
        time == 0
        ? .standard("vrrp.preempt-delay: 0ms") : .taken("vrrp.preempt-delay: \(Quantities.text(milliseconds: time))")
    case "unicast_src_ip", "mcast_src_ip": verdict = sourceVerdict(value, line, of: host, &draft)
    case "smtp_alert":
      draft.hasMail = draft.hasMail || !["off", "no", "false"].contains(value)
      verdict = .taken("vrrp.mail")
    case "notify": verdict = hookVerdict(line, &draft)
    case "virtual_ipaddress", "virtual_ipaddress_excluded": return settleAddresses(line, &draft)
    case "unicast_peer": return settlePeers(line, &draft)
    case "authentication": return settleAuthentication(line)
    case "track_interface", "track_script", "track_process": return settleTracks(line, &draft)
    default: verdict = KeepalivedTables.instanceVerdict(on: line.words[0])
    }
    if let verdict { ledger.settle(line.allPlaces, verdict) }
  }

  private static func isInterface(_ name: String) -> Bool {
    (1...15).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { 0x21...0x7e ~= $0 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
  }

  private func choose(_ key: String, _ value: String, _ range: ClosedRange<UInt64>, _ draft: inout RouterDraft)
    -> Verdict
  {
    guard let number = UInt64(value), range.contains(number) else {
      return .impossible("vrrp.\(key) is \(range.lowerBound) to \(range.upperBound)")
    }
    guard draft.settings[key] == nil || draft.settings[key] == .scalar("\(number)") else {
      return .impossible("vrrp.\(key) is the same on all nodes")
    }
    draft.settings.set([key], .scalar("\(number)"))
    return .taken("vrrp.\(key): \(number)")
  }

  private func intervalVerdict(_ value: String, _ draft: inout RouterDraft) -> Verdict {
    guard let time = Quantities.milliseconds(seconds: value), 10...40_950 ~= time, time.isMultiple(of: 10) else {
      return .impossible("vrrp.interval is 10ms to 40950ms, in hundredths of a second")
    }
    let text = Quantities.text(milliseconds: time)
    guard draft.settings["interval"] == nil || draft.settings["interval"] == .scalar(text) else {
      return .impossible("vrrp.interval is the same on all nodes")
    }
    draft.settings.set(["interval"], .scalar(text))
    return Standards.values["vrrp.interval"] == text
      ? .standard("vrrp.interval: \(text)") : .taken("vrrp.interval: \(text)")
  }

  private func sourceVerdict(
    _ value: String, _ line: KeepalivedNode, of host: String, _ draft: inout RouterDraft
  ) -> Verdict {
    guard let address = try? IPAddress(parsing: value) else { return .impossible("write vrrp.source") }
    draft.set("source", .scalar("\(address)"), of: host)
    if line.words[0] == "unicast_src_ip", !draft.peers.contains("\(address)") { draft.peers.append("\(address)") }
    return .taken("vrrp.source of \(host): \(address)")
  }

  private func hookVerdict(_ line: KeepalivedNode, _ draft: inout RouterDraft) -> Verdict {
    let command = line.words.dropFirst().first ?? ""
    guard command.hasPrefix("/"), command.utf8.allSatisfy({ 0x21...0x7e ~= $0 }) else {
      return .impossible("write a program without arguments under vrrp.notify")
    }
    if !draft.hooks.contains(command) { draft.hooks.append(command) }
    return .taken("vrrp.notify: \(command), as the user of belvedere-notify@")
  }

  /// Each address has a line: ADDRESS[/LENGTH] [brd ADDRESS] [dev NAME] [scope SCOPE] [label LABEL] …
  private mutating func settleAddresses(_ block: KeepalivedNode, _ draft: inout RouterDraft) {
    ledger.settle(block.places, .taken("vrrp.address"))
    for line in block.children {
      let parts = line.words[0].split(separator: "/", maxSplits: 1).map(String.init)
      guard let first = parts.first, let address = try? IPAddress(parsing: first), HAProxyImport.isReachable(address)
      else {
        ledger.settle(line.allPlaces, .impossible("write the address under vrrp.address"))
        continue
      }
      let length = parts.count == 2 ? Int(parts[1]) ?? 0 : address.bitWidth
      guard 1...address.bitWidth ~= length, draft.addresses.count < 64 else {
        ledger.settle(line.allPlaces, .impossible("write the address under vrrp.address"))
        continue
      }
      let text = "\(address)/\(length)"
      if !draft.addresses.contains(where: { $0.prefix { $0 != "/" } == "\(address)"[...] }) {
        draft.addresses.append(text)
      }
      ledger.settle([line.places[0]], .taken("vrrp.address: \(text)"))
      var index = 1
      while index < line.words.count {
        let end = min(index + 2, line.words.count)
        let verdict: Verdict?
        switch line.words[index] {
        case "dev":
          let isOwn = draft.byHost["interface"]?.contains { $0.value == .scalar(line.words[end - 1]) } ?? false
          verdict =
            isOwn
            ? .standard("vrrp.interface")
            : .impossible("an address is on vrrp.interface; use another router for another one")
        case "label": verdict = .notNeeded("the address has no label; `belvedere status` shows it")
        case "brd", "scope", "peer", "preferred_lft", "metric", "track_group":
          verdict = .notNeeded("the kernel's default")
        default:
          ledger.settle(
            [line.places[index]],
            ["home", "nodad", "mngtmpaddr", "noprefixroute", "no_track", "no_nat"].contains(line.words[index])
              ? .notNeeded("the kernel's default") : .impossible("the import does not know this"))
          index += 1
          continue
        }
        if let verdict { ledger.settle(Array(line.places[index..<end]), verdict) }
        index = end
      }
    }
  }

  private mutating func settlePeers(_ block: KeepalivedNode, _ draft: inout RouterDraft) {
    ledger.settle(block.places, .taken("vrrp.peers"))
    for line in block.children {
      guard let address = try? IPAddress(parsing: line.words[0]) else {
        ledger.settle(line.allPlaces, .impossible("write the address under vrrp.peers"))
        continue
      }
      if !draft.peers.contains("\(address)"), draft.peers.count < 64 { draft.peers.append("\(address)") }
      ledger.settle([line.places[0]], .taken("vrrp.peers"))
      ledger.settle(Array(line.places.dropFirst()), .standard("the TTL is 255"))
    }
  }

  private mutating func settleAuthentication(_ block: KeepalivedNode) {
    ledger.settle(
      block.allPlaces,
      .notNeeded(
        "it is sent in the clear and keeps out no attacker; `authentication: { keys: … }` does (docs/vrrp.md). While the other node runs keepalived: version: 2, authentication: { password: … }"
      ))
  }

  private mutating func settleTracks(_ block: KeepalivedNode, _ draft: inout RouterDraft) {
    ledger.settle(block.places, .taken("vrrp.track"))
    for line in block.children {
      let name = line.words[0]
      let written = line.words.firstIndex(of: "weight").flatMap { $0 + 1 < line.words.count ? line.words[$0 + 1] : nil }
      let weight = written.map { Int($0) ?? 1000 }
      let verdict: Verdict
      switch block.words[0] {
      case "track_script" where !line.words.contains("reverse"):
        let (item, found) = track(script: name, weight: weight)
        if let item, !draft.tracks.contains(item), draft.tracks.count < 64 { draft.tracks.append(item) }
        verdict = found
      case "track_interface" where !line.words.contains("reverse"):
        verdict = trackInterface(name, weight ?? 0, &draft)
      case "track_process" where name.contains("haproxy"):
        verdict = .notNeeded("the address moves if no worker serves or no server answers")
      default: verdict = .impossible("track: { script: … } that looks for it")
      }
      ledger.settle(line.allPlaces, verdict)
    }
  }

  private func trackInterface(_ name: String, _ weight: Int, _ draft: inout RouterDraft) -> Verdict {
    guard draft.byHost["interface"]?.contains(where: { $0.value == .scalar(name) }) != true else {
      return .standard("vrrp.interface always counts")
    }
    guard Self.isInterface(name), -253...253 ~= weight else { return .impossible("write it under vrrp.track") }
    var item = YAMLMapping()
    item.set(["interface"], .scalar(name))
    if weight != 0 { item.set(["weight"], .scalar("\(weight)")) }
    if !draft.tracks.contains(.mapping(item)), draft.tracks.count < 64 { draft.tracks.append(.mapping(item)) }
    return .taken("vrrp.track: \(name)")
  }
}
