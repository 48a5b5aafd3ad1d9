import Configuration
import Control
import Doctor
import Domain
import Linux
import ReferencedFiles
import Supervisor
import TLS
import Wire

/// Gathers the facts that `Doctor` judges. Changes nothing, on this machine and elsewhere.
struct FactGathering {
  let path: String
  /// The configuration, or why it can't be read.
  let text: Result<[UInt8], Diagnostic>
  /// The service's user.
  let user: String
  /// Nil when the service does not run.
  let status: StatusReport?

  /// For `belvedere check` as another user.
  private static let timeout = Interval.seconds(30)

  /// The credentials of this process, else of the running service, which root can read.
  private static var credentials: String? {
    let ofService = "/run/credentials/belvedere.service"
    return CurrentProcess.credentials ?? (File.names(in: ofService).isEmpty ? nil : ofService)
  }

  func facts() -> Facts {
    let bytes: [UInt8]
    switch text {
    case .success(let read): bytes = read
    case .failure(let diagnostic):
      let problem = ConfigurationFacts.Problem(
        isError: true, text: diagnostic.position + diagnostic.message,
        fix: "`--configuration`: the file's path; as root, every file can be read")
      let reason = "the configuration can't be read"
      return withMachine(
        Facts(
          time: Clock.wall(), configuration: ConfigurationFacts(path: path, user: "", problems: [problem]),
          files: .unknown(reason))
      ).without(reason)
    }
    var loaded = Configuration.load(
      bytes: bytes, fileName: path, hostName: CurrentProcess.hostName(), credentials: Self.credentials)
    // The line “certificate” says when one ends.
    let certificates = loaded.checkFiles(at: Clock.wall(), control: ControlSocket.standardPath, ends: false)
    let problems = loaded.diagnostics.map { diagnostic in
      ConfigurationFacts.Problem(
        isError: diagnostic.severity == .error, text: diagnostic.position + diagnostic.message, fix: diagnostic.advice)
    }
    var facts = withMachine(
      Facts(
        time: Clock.wall(), configuration: ConfigurationFacts(path: path, user: "", problems: problems), files: files))
    guard let configuration = loaded.configuration else { return facts.without("the configuration is refused") }
    facts.certificates = configuration.services.flatMap { service in
      (certificates[service.name] ?? []).compactMap { PresentedCertificate($0, of: service.name) }
    }
    let absent = Set((status?.servers ?? []).filter { $0.state == .maintenance }.map(\.name))
    facts.servers = ServerTour(of: configuration, without: absent).facts()
    facts.isPaired = configuration.pair != nil
    facts.ports = MachineSurvey.ports(of: configuration, isRunning: status != nil)
    var resources = Configuration.Resources.ofThisMachine
    resources.descriptors = descriptors
    facts.shortfalls = .found(configuration.shortfalls(on: resources))
    if !configuration.virtualRouters.isEmpty {
      facts.firewall = MachineSurvey.firewall()
      addRouters(of: configuration, to: &facts)
    }
    return facts
  }

  /// With what does not depend on the configuration.
  private func withMachine(_ facts: Facts) -> Facts {
    var facts = facts
    facts.service = service
    facts.leftovers = MachineSurvey.leftovers()
    return facts
  }

  /// What `check` says when the service's user runs it.
  private var files: Gathered<ConfigurationFacts> {
    guard CurrentProcess.isRoot else { return .unknown("only root can check as the user \(user)") }
    guard let accounts = File.text(of: "/etc/passwd"),
      accounts.split(separator: "\n").contains(where: { $0.hasPrefix(user + ":") })
    else {
      return .unknown("there is no user \(user)")
    }
    guard let executable = CurrentProcess.executablePath else { return .unknown("the path of this program is unknown") }
    let check = [executable, "check", "--configuration", path]
    if let options = MachineSurvey.sandbox().options,
      let run = try? CapturedProgram(
        "/usr/bin/systemd-run",
        ["--quiet", "--wait", "--pipe", "--collect", "--service-type=exec", "--property=User=\(user)"] + options
          + ["--"] + check, timeout: Self.timeout)
    {
      let problems = ProcessText.problems(in: run.output)
      // An error without a problem is systemd's, not that of `check`.
      if run.end == .exited(status: 0) || problems.contains(where: \.isError) {
        return .found(ConfigurationFacts(path: path, user: user, problems: problems))
      }
    }
    do throws(SystemError) {
      let run = try CapturedProgram("/usr/sbin/runuser", ["-u", user, "--"] + check, timeout: Self.timeout)
      var problems = ProcessText.problems(in: run.output)
      if run.end != .exited(status: 0), problems.allSatisfy({ !$0.isError }) {
        problems.append(
          .init(isError: true, text: "`belvedere check` as \(user): \(run.end): \(run.output.prefix(200))"))
      }
      return .found(ConfigurationFacts(path: path, user: user, problems: problems))
    } catch { return .unknown("\(error)") }
  }

  private var service: Gathered<RunningService> {
    guard let status else { return .unknown("the service does not run") }
    var service = RunningService(version: status.version)
    service.scheduling = File.text(of: "/proc/\(status.pid)/stat").flatMap(ProcessText.scheduling)
    service.nodes = (status.pair?.nodes ?? []).filter { $0.name != status.pair?.node }.map { node in
      RunningService.Node(node)
    }
    // The other node's release has a line of its own.
    service.differences = (status.pair?.differences ?? []).filter { $0.subject != "release" }.map(\.text)
    return .found(service)
  }

  /// The limit of the running service, else that of its unit; nil when neither is known.
  private var descriptors: UInt64? {
    if let status { return File.text(of: "/proc/\(status.pid)/limits").flatMap(ProcessText.openFiles) }
    return MachineSurvey.property("LimitNOFILE").flatMap { UInt64($0) }
  }

  private func addRouters(of configuration: Configuration, to facts: inout Facts) {
    let findings = InterfaceFindings.look(for: configuration)
    guard var socket = try? AddressSocket(), let interfaces = try? socket.interfaces(),
      let addresses = try? socket.addresses()
    else { return }
    let virtual = Set(configuration.virtualRouters.flatMap(\.settings.ipAddresses))
    let own = addresses.filter { !virtual.contains($0.address) }
    facts.interfacesWithIPv4 = interfaces.filter { interface in
      !interface.isLoopback && interface.isUp
        && own.contains { $0.interface == interface.index && $0.address.family == .v4 }
    }.map(\.name)
    var routers = configuration.virtualRouters.map { router in
      var router = RouterFacts(router, in: configuration, interfaces, own)
      router.errors = findings.errors.about(router.name)
      router.warnings = findings.warnings.about(router.name)
      router.role = status?.routers.first { $0.name == router.name }?.state
      router.activeNode =
        (status?.pair?.nodes ?? []).first { node in
          node.name != status?.pair?.node && node.answers
            && node.routers.contains { $0.name == router.name && $0.state == .active }
        }?.name
      return router
    }
    AdvertisementListening.listen(&routers, interfaces, own: Set(own.map(\.address)))
    facts.routers = routers
  }
}

extension RunningService.Node {
  /// What it has reported over the connection of the pair.
  fileprivate init(_ node: StatusReport.Node) {
    self.init(name: node.name, answers: node.answers, version: node.version)
    unreachedServices = node.services.filter { $0.healthy == 0 && $0.servers > 0 }.map(\.name).filter { service in
      let ofService = node.servers.filter { service.isEmpty || $0.name.hasPrefix(service + "/") }
      return ofService.contains { $0.state == .down }
    }
    findings = (node.findings ?? []).map { Finding($0.check, $0.subject, $0.isFault ? .fault : .warning, $0.text) }
    certificates = node.certificates.map {
      PresentedCertificate(
        service: $0.service, title: "the certificate \("\($0.fingerprint)".prefix(16))", fingerprint: $0.fingerprint,
        notAfter: $0.notAfter)
    }
  }
}

extension RouterFacts {
  /// What the kernel says; `own`: this machine's addresses without virtual ones.
  fileprivate init(
    _ router: Configuration.VirtualRouter, in configuration: Configuration, _ interfaces: [NetworkInterface],
    _ own: [InterfaceAddress]
  ) {
    self.init(name: router.name, interface: router.interface, settings: router.settings)
    guard let interface = interfaces.first(where: { $0.name == router.interface }) else { return }
    link = !interface.isUp ? .down : interface.hasCarrier ? .up : .withoutCarrier
    networks = own.filter { $0.interface == interface.index && $0.prefixLength > 0 }.map {
      VirtualAddress(address: $0.address, prefixLength: $0.prefixLength)
    }
    let family = router.settings.ipAddresses.first?.family ?? .v4
    if family == .v4 { reversePathFilter = MachineSurvey.reversePathFilter(of: router.interface) }
    manager = MachineSurvey.manager(of: interface)
    keepsAddresses = MachineSurvey.keepsAddresses(on: interface)
    // The address of a node's advertisements is known if it is the one that the node has for the pair, which may be in
    // another network, and which `vrrp.source` may replace.
    guard router.source == nil else { return }
    let there = networks.compactMap { IPPrefix(containing: $0.address, length: Int($0.prefixLength)) }
    let others = (configuration.pair?.others.map(\.address) ?? []) + (router.settings.peers ?? [])
    nodes = others.filter { address in
      address.family == family && there.contains { $0.contains(address) }
        && !networks.contains { $0.address == address }
    }
  }
}

extension Facts {
  /// With a reason for what could not be gathered.
  fileprivate func without(_ reason: String) -> Facts {
    var facts = self
    facts.ports = .unknown(reason)
    facts.shortfalls = .unknown(reason)
    return facts
  }
}

extension [String] {
  /// The texts that begin with the name of a virtual router, without it.
  fileprivate func about(_ router: String) -> [String] {
    filter { $0.hasPrefix(router + ": ") }.map { String($0.dropFirst(router.count + 2)) }
  }
}

extension Diagnostic {
  fileprivate var position: String { file + (place.map { ":\($0.mark.line):\($0.mark.column)" } ?? "") + ": " }

  fileprivate var advice: String { suggestion.map { $0.replacing("\n", with: " ") } ?? "" }
}
