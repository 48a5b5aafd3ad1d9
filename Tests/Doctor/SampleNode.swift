import Domain
import Testing
import Wire

@testable import Doctor

/// A node of a pair, for tests of what doctor makes of facts.
enum SampleNode {
  static let now = WallTime(seconds: 1_800_000_000)
  static let ours = Fingerprint(bytes: [UInt8](repeating: 1, count: 32))
  static let theirs = Fingerprint(bytes: [UInt8](repeating: 2, count: 32))
  static let lb2 = IPAddress(v4: 0xc000_020c)
  static let virtual = IPAddress(v4: 0xc000_0264)

  /// A certificate that this node does not have, and the days that are left.
  static func other(days: Int64) -> PresentedCertificate? {
    theirs.map {
      PresentedCertificate(
        title: "the certificate 0202", fingerprint: $0, notAfter: WallTime(seconds: now.seconds + days * 86_400))
    }
  }

  /// The facts of a node on which all is well, with a change.
  static func facts(_ change: (inout Facts) throws -> Void = { _ in }) throws -> Facts {
    let checked = ConfigurationFacts(path: "belvedere.yaml", user: "belvedere", problems: [])
    var facts = Facts(time: now, configuration: checked, files: .found(checked))
    let (own, day) = (try #require(ours), WallTime(seconds: now.seconds + 100 * 86_400))
    facts.certificates = [PresentedCertificate(title: "CN=view", fingerprint: own, notAfter: day)]
    var server = ServerFacts(
      name: "view01", service: "", endpoint: Endpoint(address: IPAddress(v4: 0xc000_0215), port: 443), expected: [200])
    server.certificate = facts.certificates[0]
    server.status = 200
    server.secondsAhead = 1
    server.hosts = [
      .init(host: "view.test", hasOrigin: false, status: 200), .init(host: "view.test", hasOrigin: true, status: 200),
    ]
    facts.servers = [server]
    let settings = VirtualRouterSettings(
      identifier: 51, priority: 100, addresses: [VirtualAddress(address: virtual, prefixLength: 24)])
    var router = RouterFacts(name: "router-51", interface: "eth0", settings: settings)
    router.link = .up
    router.networks = [VirtualAddress(address: IPAddress(v4: 0xc000_020b), prefixLength: 24)]
    router.reversePathFilter = 1
    router.speakers = .found([])
    facts.routers = [router]
    facts.firewall = .found("")
    facts.interfacesWithIPv4 = ["eth0"]
    facts.ports = .found([])
    facts.shortfalls = .found([])
    var service = RunningService(version: "1.0.0")
    service.scheduling = .nice(-10)
    service.nodes = [.init(name: "lb2", answers: true, version: "1.0.0")]
    facts.service = .found(service)
    facts.leftovers = [Leftover(program: "haproxy", isRunning: false, isEnabled: false)]
    facts.isPaired = true
    try change(&facts)
    return facts
  }
}
