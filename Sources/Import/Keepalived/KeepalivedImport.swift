import Domain
import Wire

/// Turns keepalived.conf into virtual routers. A file with `@host` conditions is read once for each node that it names.
struct KeepalivedImport: Sendable {
  static let mostRouters = 64

  var ledger: Ledger
  private(set) var routers: [RouterDraft] = []
  private var mailRecipients: [String] = []
  private var mailSender: String?
  /// The nodes whose files or lines have been read.
  private var nodes: [String] = []

  /// A program that is run to see whether the node should have the address.
  struct Check: Sendable {
    var command = ""
    var interval: UInt64 = 1000
    var timeout: UInt64?
    var fall: UInt64 = 1
    var rise: UInt64 = 1
    var weight = 0
    /// It asks whether the balancer runs, which a virtual router knows by itself.
    var isOfBalancer: Bool { command.contains("haproxy") || command.contains("/dev/tcp/127.0.0.1/") || command.isEmpty }
  }

  private var checks: [String: Check] = [:]

  /// `ledger`: gets the words after those of haproxy.cfg. Files of several nodes are read in the order of their names, so
  /// that the result is the same on each of them.
  init(_ source: SourceFile, others: [NodeFile], _ options: ImportOptions, _ ledger: Ledger) {
    self.ledger = ledger
    let own = NodeFile(node: String(options.hostName.prefix { $0 != "." }), file: source)
    let files = others.isEmpty ? [own] : ([own] + others).sorted { $0.node < $1.node }
    for file in files { read(file, options) }
    // keepalived's default.
    for index in routers.indices where nodes.count > 1 && routers[index].byHost["priority"] != nil {
      routers[index].complete("priority", with: .scalar("100"), on: nodes)
    }
  }

  private mutating func read(_ source: NodeFile, _ options: ImportOptions) {
    let file = KeepalivedFile(source.file, files: options.files, &ledger)
    var hosts = file.hosts.filter { HostName.isValid($0) }
    if hosts.isEmpty || !hosts.contains(source.node) && hosts.count == 1 { hosts.append(source.node) }
    for host in hosts.prefix(8) {
      if !nodes.contains(host) { nodes.append(host) }
      checks = [:]
      let tree = KeepalivedTree(file, host: host, &ledger)
      readChecks(tree.root)
      for node in tree.root { read(node, of: host) }
    }
    for line in file.lines where line.condition != nil {
      for place in line.places {
        ledger.settleRest(
          of: place..<(place + 1), .impossible("it is of another node than \(hosts[0]): write its value under its name")
        )
      }
    }
  }

  /// The value of `vrrp`; nil if there is no virtual router.
  var node: YAMLNode? {
    var mail = YAMLMapping()
    let recipients = mailRecipients.map { YAMLNode.scalar($0) }
    mail.set(["to"], recipients.count == 1 ? recipients[0] : .list(recipients))
    if let mailSender { mail.set(["from"], .scalar(mailSender)) }
    let sections = routers.flatMap { $0.sections(mail: recipients.isEmpty ? nil : .mapping(mail)) }
    guard !sections.isEmpty else { return nil }
    return sections.count == 1 ? .mapping(sections[0]) : .list(sections.map { .mapping($0) })
  }

  /// What a virtual router lacks.
  var remarks: [String] {
    routers.flatMap { router in
      var missing: [String] = []
      if router.addresses.isEmpty { missing.append("address") }
      if router.byHost["interface"] == nil { missing.append("interface") }
      if router.settings["router"] == nil { missing.append("router") }
      return missing.map { "vrrp.\($0) of \(router.name)" }
    }
  }

  private mutating func read(_ node: KeepalivedNode, of host: String) {
    switch node.words.first {
    case "global_defs": readGlobals(node)
    case "vrrp_script": break
    case "vrrp_instance": readInstance(node, of: host)
    case "vrrp_sync_group": readGroup(node, of: host)
    case "vrrp_track_process", "track_process":
      let isOfBalancer = node.child("process")?.words.contains { $0.contains("haproxy") } ?? false
      ledger.settle(
        node.allPlaces,
        isOfBalancer
          ? .notNeeded("the address moves if no worker serves")
          : .impossible("track: { script: … } that looks for the process"))
    default:
      guard let verdict = KeepalivedTables.blockVerdict(on: node.words.first ?? "") else { return }
      ledger.settle(node.allPlaces, verdict)
    }
  }

  private mutating func readGlobals(_ node: KeepalivedNode) {
    ledger.settle(node.places, .notNeeded("vrrp and mail have these settings"))
    for line in node.children {
      let value = line.words.dropFirst().first ?? ""
      switch line.words[0] {
      case "notification_email":
        let recipients = (Array(line.words.dropFirst()) + line.children.flatMap(\.words)).filter(Self.isMailAddress)
        ledger.settle(
          line.allPlaces,
          recipients.isEmpty ? .impossible("write vrrp.mail.to") : .taken("vrrp.mail.to, where smtp_alert is set"))
        mailRecipients = (mailRecipients + recipients).distinct
      case "notification_email_from":
        guard Self.isMailAddress(value) else { break }
        let isFirst = mailSender == nil || mailSender == value
        mailSender = mailSender ?? value
        ledger.settle(
          line.places, isFirst ? .taken("vrrp.mail.from") : .notNeeded("all nodes have one vrrp.mail.from"))
      case "smtp_server":
        let isLocal = ["127.0.0.1", "localhost", "::1"].contains(value)
        ledger.settle(
          line.places,
          isLocal
            ? .notNeeded("the machine's sendmail sends the mail")
            : .notNeeded("the machine's sendmail sends the mail; it must know \(value)"))
      case "vrrp_version": ledger.settle(line.places, versionVerdict(value))
      default:
        guard let verdict = KeepalivedTables.globalVerdict(on: line.words[0]) else { continue }
        ledger.settle(line.allPlaces, verdict)
      }
    }
  }

  func versionVerdict(_ value: String) -> Verdict {
    value == "3"
      ? .standard("vrrp.version: 3")
      : .notNeeded("both nodes speak version 3; `version: 2` while the other one runs keepalived")
  }

  private static func isMailAddress(_ text: String) -> Bool {
    !text.isEmpty && !text.hasPrefix("-") && text.utf8.allSatisfy { 0x21...0x7e ~= $0 && $0 != UInt8(ascii: ",") }
  }

  // MARK: - Scripts

  private mutating func readChecks(_ nodes: [KeepalivedNode]) {
    for node in nodes where node.words.first == "vrrp_script" {
      var check = Check()
      for line in node.children {
        let value = line.words.dropFirst().first ?? ""
        switch line.words[0] {
        case "script": check.command = line.words.dropFirst().joined(separator: " ")
        case "interval": check.interval = Quantities.milliseconds(seconds: value) ?? 1000
        case "timeout": check.timeout = Quantities.milliseconds(seconds: value)
        case "fall": check.fall = UInt64(value) ?? 1
        case "rise": check.rise = UInt64(value) ?? 1
        case "weight": check.weight = Int(value) ?? 0
        default: continue
        }
      }
      checks[node.words.dropFirst().first ?? ""] = check
      for line in node.children
      where !["script", "interval", "timeout", "fall", "rise", "weight"].contains(line.words[0]) {
        if line.words[0] == "user" {
          ledger.settle(line.places, .notNeeded("a tracked script runs as the service's user"))
        }
        if line.words[0] == "init_fail" {
          ledger.settle(line.places, .impossible("a condition holds until it has failed"))
        }
      }
      let known =
        node.places
        + node.children.filter { ["script", "interval", "timeout", "fall", "rise", "weight"].contains($0.words[0]) }
        .flatMap(\.places)
      ledger.settle(
        known,
        check.isOfBalancer
          ? .notNeeded("the address moves if no worker serves or no server answers")
          : .taken("vrrp.track, where it is used"))
    }
  }

  /// A `track` item for a line of `track_script`, and the verdict on it.
  func track(script name: String, weight: Int?) -> (YAMLNode?, Verdict) {
    guard let check = checks[name] else { return (nil, .impossible("there is no vrrp_script `\(name)`")) }
    guard !check.isOfBalancer else {
      return (nil, .notNeeded("the address moves if no worker serves or no server answers"))
    }
    guard check.command.hasPrefix("/"), !check.command.contains(" "),
      check.command.utf8.allSatisfy({ 0x21...0x7e ~= $0 })
    else {
      return (nil, .impossible("write a program without arguments that does this, then: track: { script: … }"))
    }
    var item = YAMLMapping()
    item.set(["script"], .scalar(check.command))
    let weight = weight ?? check.weight
    guard -253...253 ~= weight else { return (nil, .impossible("a weight is -253 to 253")) }
    if weight != 0 { item.set(["weight"], .scalar("\(weight)")) }
    let interval = min(max(check.interval, 100), 3_600_000)
    item.set(["interval"], .scalar(Quantities.text(milliseconds: interval)))
    item.set(["timeout"], .scalar(Quantities.text(milliseconds: min(max(check.timeout ?? interval, 100), interval))))
    item.set(["fall"], .scalar("\(min(max(check.fall, 1), 100))"))
    let (recovery, overflow) = interval.multipliedReportingOverflow(by: max(check.rise, 1) - 1)
    item.set(["recovery"], .scalar(Quantities.text(milliseconds: min(overflow ? .max : recovery, 3_600_000))))
    return (.mapping(item), .taken("track: { script: \(check.command) }"))
  }

  // MARK: - Groups

  private mutating func readGroup(_ node: KeepalivedNode, of host: String) {
    let group = node.words.dropFirst().first ?? ""
    ledger.settle(node.places, .taken("group: \(group)"))
    var members: [String] = []
    for line in node.children where line.words[0] == "group" {
      members += Array(line.words.dropFirst()) + line.children.flatMap(\.words)
      ledger.settle(line.allPlaces, .taken("group: \(group)"))
    }
    let indices = routers.indices.filter { members.contains(routers[$0].name) }
    // The group may come before its members.
    for member in members where !routers.contains(where: { $0.name == member }) { groups[member] = group }
    for index in indices where ServerName.isValid(group) { routers[index].group = group }
    for line in node.children where line.words[0] != "group" {
      var draft = indices.first.map { routers[$0] } ?? RouterDraft(name: group)
      settle(line, of: host, &draft)
      if let index = indices.first { routers[index] = draft }
    }
  }

  /// Groups of routers that have not been read, by their names.
  private var groups: [String: String] = [:]

  private mutating func readInstance(_ node: KeepalivedNode, of host: String) {
    let name = node.words.dropFirst().first ?? ""
    let index = routers.firstIndex { $0.name == name }
    guard index != nil || routers.count < Self.mostRouters else {
      return ledger.settle(node.allPlaces, .impossible("there may be \(Self.mostRouters) virtual routers"))
    }
    var draft = index.map { routers[$0] } ?? RouterDraft(name: name)
    draft.group = draft.group ?? groups[name].flatMap { ServerName.isValid($0) ? $0 : nil }
    ledger.settle(
      node.places,
      ServerName.isValid(name) && name.utf8.count <= 60
        ? .taken("vrrp, with the name \(name)") : .impossible("write a vrrp.name of letters, digits, `.`, `-` and `_`"))
    for line in node.children { settle(line, of: host, &draft) }
    if let index { routers[index] = draft } else { routers.append(draft) }
  }
}
