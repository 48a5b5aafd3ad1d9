import Configuration
import Testing
import Wire

@Suite struct `Digests of a configuration's sections` {
  private static func digests(_ text: String, node: String = "lb1") -> [String: UInt64] {
    let loaded = Configuration.load(text: text, fileName: "/b.yaml", hostName: node)
    let sections = Configuration.sectionDigests(of: Array(text.utf8), pair: loaded.configuration?.pair)
    return Dictionary(sections.map { ($0.name, $0.digest) }) { $1 }
  }

  /// The sections that differ between two files.
  private static func differences(_ here: String, _ there: String) -> Set<String> {
    let (mine, theirs) = (digests(here, node: "lb1"), digests(there, node: "lb2"))
    return Set(mine.keys).union(theirs.keys).filter { mine[$0] != theirs[$0] }
  }

  private static let file = """
    service: view.domain.local
    listen: [192.0.2.11, "192.0.2.100:443", 8443]
    tls: { certificate: /etc/view.pem }
    servers: { view01: 192.0.2.21, view02: 192.0.2.22 }
    health: { interval: 2s, fall: 5 }
    threads: 2
    vrrp: { interface: eth0, router: 51, priority: 101, address: 192.0.2.100/24, track: { interface: eth1 } }
    pair: { nodes: { lb1: 192.0.2.11, lb2: 192.0.2.12 }, secret: /etc/pair.key }
    """

  @Test func `equal files have equal digests, whatever their layout`() {
    let other = """
      # The other node.
      servers:
        view02: "192.0.2.22"
        view01: 192.0.2.21

      service: [view.domain.local]
      listen: ["192.0.2.12", 192.0.2.100:443, 8443]
      tls:
        certificate: '/etc/view.pem'
      health:
        fall: 5
        interval: 2s
      threads: 8
      vrrp:
        - interface: ens3
          router: 51
          priority: { lb1: 101, lb2: 100 }
          source: 192.0.2.12
          address: 192.0.2.100/24
          track: { interface: ens4 }
      pair: { node: lb2, nodes: { lb2: 192.0.2.12, lb1: 192.0.2.11 }, secret: /etc/pair.key }
      """
    #expect(Self.differences(Self.file, other).isEmpty)
  }

  @Test(
    arguments: [
      ("interval: 2s", "interval: 3s", "health"), ("view02:", "view03:", "servers"),
      ("192.0.2.100:", "192.0.2.101:", "listen"),
      ("8443]", "8444]", "listen"), ("router: 51", "router: 52", "vrrp"), ("pair.key", "other.key", "pair"),
      ("health: { interval: 2s, fall: 5 }", "retries: 3", "health"),
    ])
  func `a difference is reported for its section`(part: String, other: String, section: String) {
    #expect(Self.differences(Self.file, Self.file.replacing(part, with: other)).contains(section))
  }

  @Test func `each section of each service has its own digest`() {
    let service = "service: view.domain.local, mode: passthrough, servers: { view01: 192.0.2.21 }"
    let file = "services: { view: { \(service) }, cards: { listen: 444, \(service) } }\nlog: { level: debug }"
    #expect(
      Set(Self.digests(file).keys)
        == Set(["service", "mode", "servers"].flatMap { ["services.view.\($0)", "services.cards.\($0)"] })
        .union(["services.cards.listen", "log"]))
    #expect(Self.differences(file, file.replacing("444", with: "445")) == ["services.cards.listen"])
    #expect(Self.digests("- no mapping").isEmpty && Self.digests("a: [").isEmpty)
  }
}
