import Configuration
import Doctor
import Domain
import Linux
import Wire

/// What /proc, /run and the machine's programs say.
enum MachineSurvey {
  /// For `nft` and `systemctl`.
  private static let timeout = Interval.seconds(10)

  /// The other programs with the same task, and whether they run or start at boot.
  static func leftovers() -> [Leftover] {
    let running = Set(processes().map(\.name))
    return ["keepalived", "haproxy"].map { program in
      let unit = "/etc/systemd/system/multi-user.target.wants/\(program).service"
      return Leftover(
        program: program, isRunning: running.contains(program), isEnabled: File.linkTarget(of: unit) != nil)
    }
  }

  /// The kernel's packet filter as text.
  static func firewall() -> Gathered<String> {
    guard CurrentProcess.isRoot else { return .unknown("only root may read the rules") }
    guard let nft = ["/usr/sbin/nft", "/sbin/nft"].first(where: { File.identity(of: $0) != nil }) else {
      return .unknown("there is no nft (package nftables)")
    }
    do throws(SystemError) {
      let run = try CapturedProgram(nft, ["list", "ruleset"], timeout: timeout)
      guard run.end == .exited(status: 0) else { return .unknown("nft: \(run.output.prefix(200))") }
      return .found(run.output)
    } catch { return .unknown("\(error)") }
  }

  /// A property of the service's unit; nil when there is no systemd.
  static func property(_ name: String) -> String? {
    guard File.identity(of: "/run/systemd/system") != nil,
      let run = try? CapturedProgram(
        "/usr/bin/systemctl", ["show", "--value", "--property", name, "belvedere.service"], timeout: timeout),
      run.end == .exited(status: 0)
    else { return nil }
    let value = run.output.prefix { !$0.isNewline }
    return value.isEmpty ? nil : String(value)
  }

  /// The greater of the two settings counts (ip-sysctl).
  static func reversePathFilter(of interface: String) -> Int? {
    let values = ["all", interface].compactMap { name in
      File.text(of: "/proc/sys/net/ipv4/conf/\(name)/rp_filter").flatMap { Int($0.prefix { $0.isNumber }) }
    }
    return values.count == 2 ? values.max() : nil
  }

  /// The program that manages the interface.
  static func manager(of interface: NetworkInterface) -> String? {
    if let text = File.text(of: "/run/NetworkManager/devices/\(interface.index)"), text.contains("managed=true") {
      return "NetworkManager"
    }
    if let text = networkState(of: interface),
      text.contains("ADMIN_STATE="), !text.contains("ADMIN_STATE=unmanaged")
    {
      return "systemd-networkd"
    }
    return nil
  }

  /// Whether systemd-networkd keeps addresses there that it did not set.
  static func keepsAddresses(on interface: NetworkInterface) -> Bool {
    guard let path = networkState(of: interface).flatMap(NetworkFile.path) else { return false }
    // By name; of two with the same one that of /etc counts.
    var dropIns: [String: String] = [:]
    for parent in ["/usr/lib", "/run", "/etc"] {
      let folder = "\(parent)/systemd/network/\(path.split(separator: "/").last ?? "").d"
      for name in File.names(in: folder) where name.hasSuffix(".conf") { dropIns[name] = "\(folder)/\(name)" }
    }
    let paths = [path] + dropIns.sorted { $0.key < $1.key }.map(\.value)
    return NetworkFile(paths.compactMap { File.text(of: $0) }).keepsAddresses
  }

  private static func networkState(of interface: NetworkInterface) -> String? {
    File.text(of: "/run/systemd/netif/links/\(interface.index)")
  }

  /// What the unit of the service hides from it; without systemd nothing.
  static func sandbox() -> UnitSandbox {
    guard File.identity(of: "/run/systemd/system") != nil,
      let run = try? CapturedProgram(
        "/usr/bin/systemctl", ["show", "--property", UnitSandbox.properties, "belvedere.service"], timeout: timeout)
    else { return UnitSandbox("") }
    let files = try? CapturedProgram("/usr/bin/systemctl", ["cat", "belvedere.service"], timeout: timeout)
    return UnitSandbox(run.output, files: files?.output ?? "")
  }

  // MARK: ports

  /// The configured ports that other programs have. `isRunning`: whether the service has them by now.
  static func ports(of configuration: Configuration, isRunning: Bool) -> Gathered<[PortFacts]> {
    var tables = (tcp: SocketTable(), udp: SocketTable())
    for name in ["tcp", "tcp6", "udp", "udp6"] {
      guard let text = File.text(of: "/proc/net/\(name)", limit: 16 << 20) else { continue }
      if name.hasPrefix("tcp") { tables.tcp.add(text, isTCP: true) } else { tables.udp.add(text, isTCP: false) }
    }
    let tcp =
      configuration.services.flatMap { service in
        service.listeners + (service.redirect?.listeners ?? []) + service.serverListeners + service.relayListeners
      } + [configuration.pair?.listener].compactMap { $0 } + (configuration.observer?.listeners ?? [])
    let udp = configuration.services.flatMap(\.datagramListeners)
    let wanted =
      tcp.removingDuplicates().map { ($0, $0.description, tables.tcp) }
      + udp.removingDuplicates().map { ($0, $0.description + " (UDP)", tables.udp) }
    let held = wanted.map { listener, text, table in (text, table.holders(of: listener.port, at: listener.address)) }
    guard held.contains(where: { !$0.1.isEmpty }) else { return .found([]) }
    let owners = socketOwners()
    var taken: [PortFacts] = []
    for (text, entries) in held where !entries.isEmpty {
      let names = entries.map { owners[$0.inode] ?? [] }
      // Sockets of the service are also held by systemd, which keeps them over a restart.
      if names.contains(where: { $0.contains { $0.name == "belvedere" } }) { continue }
      guard let owner = names.joined().first else {
        if isRunning { return .unknown("only root may see which program has \(text)") }
        taken.append(PortFacts(listener: text, owner: ""))
        continue
      }
      taken.append(PortFacts(listener: text, owner: "\(owner.name) (process \(owner.identifier))"))
    }
    return .found(taken)
  }

  private struct RunningProcess {
    let identifier: Int32
    let name: String
  }

  private static func processes() -> [RunningProcess] {
    File.names(in: "/proc").compactMap { name in
      guard let identifier = Int32(name), let command = File.text(of: "/proc/\(name)/comm") else { return nil }
      return RunningProcess(identifier: identifier, name: String(command.prefix { !$0.isNewline }))
    }
  }

  /// The processes that hold each socket, by its inode; of other users, only root sees them.
  private static func socketOwners() -> [UInt64: [RunningProcess]] {
    var owners: [UInt64: [RunningProcess]] = [:]
    for process in processes() {
      let folder = "/proc/\(process.identifier)/fd"
      for name in File.names(in: folder) {
        guard let target = File.linkTarget(of: "\(folder)/\(name)"), target.hasPrefix("socket:["),
          let inode = UInt64(target.dropFirst(8).dropLast())
        else { continue }
        owners[inode, default: []].append(process)
      }
    }
    return owners
  }
}
