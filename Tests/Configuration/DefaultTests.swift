import Configuration
import Domain
import HTTP1
import Testing
import Wire

/// The values of keys that a file does not have.
@Suite struct DefaultTests {
  static let smallest = """
    service: view.domain.local
    tls: { certificate: /etc/belvedere/tls/view.pem }
    servers:
      view01: 192.168.1.165
      view02: 192.168.1.166
    """

  static let services = """
    services:
      view:
        service: view.domain.local
        listen: 192.168.1.170
        tls: { certificate: /etc/belvedere/tls/view.pem }
        servers: { view01: 192.168.1.165, view02: 192.168.1.166 }
      cards:
        service: cards.domain.local
        listen: 192.168.1.171
        mode: passthrough
        health: { interval: 2s }
        servers: { view01: 192.168.1.165 }
    """

  static func load(_ text: String) throws -> Configuration {
    let loaded = Configuration.load(text: text, fileName: "/etc/belvedere/belvedere.yaml", hostName: "lb1")
    return try #require(loaded.configuration, "\(loaded.diagnostics.map(\.rendered).joined(separator: "\n"))")
  }

  @Test func `the smallest file listens on 443 of every address and redirects from 80`() throws {
    let configuration = try DefaultTests.load(DefaultTests.smallest)
    #expect(configuration.service.mode == .http)
    #expect(configuration.service.listeners == [Configuration.Listener(address: nil, port: 443)])
    #expect(configuration.service.redirect?.listeners == [Configuration.Listener(address: nil, port: 80)])
    #expect(configuration.service.redirect?.location == nil)
    #expect(configuration.service.canonicalName == "view.domain.local")
    #expect(configuration.service.tls.certificates == [Configuration.Certificate(chain: "/etc/belvedere/tls/view.pem")])
    #expect(configuration.service.tls.profile == .intermediate)
    #expect(configuration.service.tls.tickets)
    #expect(configuration.service.tls.ticketRotation == .hours(12))
    #expect(configuration.virtualRouters.isEmpty)
    #expect(configuration.threads == nil)
    #expect(configuration.service.retries == 3)
    #expect(configuration.service.pages.isEmpty)
  }

  @Test func `connections to servers are encrypted, on port 443, and verified by the system's authorities`() throws {
    let configuration = try DefaultTests.load(DefaultTests.smallest)
    let addresses = try ["192.168.1.165:443", "192.168.1.166:443"].map { try Endpoint(parsing: $0) }
    #expect(configuration.service.servers.map(\.name) == ["view01", "view02"])
    #expect(configuration.service.servers.map(\.endpoint) == addresses)
    for server in configuration.service.servers {
      #expect(server.weight == 1)
      #expect(!server.isBackup)
      #expect(server.connections == 4000)
      #expect(server.serverName == "view.domain.local")
      #expect(server.trust == .system)
    }
  }

  @Test func `the favicon is checked every five seconds`() throws {
    let health = try DefaultTests.load(DefaultTests.smallest).service.health
    #expect(health.check == .https)
    #expect(health.path == "/favicon.ico")
    #expect(health.method == .get)
    #expect(health.host == "view.domain.local")
    #expect(health.interval == .seconds(5))
    #expect(health.timeout == .seconds(5))
    #expect(health.rise == 2)
    #expect(health.fall == 3)
    #expect(health.jitter == .milliseconds(500))
    #expect(health.onDown == .close)
    #expect(!health.passive)
    #expect(health.slowStart == .zero)
  }

  @Test func `a client is identified by its address and assigned for 90 minutes`() throws {
    let configuration = try DefaultTests.load(DefaultTests.smallest)
    #expect(configuration.service.affinity.by == [.clientAddress])
    #expect(configuration.service.affinity.hold == .minutes(90))
    #expect(configuration.service.affinity.ipv4Prefix == 32)
    #expect(configuration.service.affinity.ipv6Prefix == 64)
    #expect(configuration.service.affinity.entries == 100_000)
    #expect(configuration.service.affinity.file == nil)
    #expect(configuration.serverStateFile == nil)
    #expect(configuration.service.forwarded.add)
    #expect(configuration.service.forwarded.trustedProxies.isEmpty)
  }

  @Test func `time-outs have the usual defaults`() throws {
    let timeouts = try DefaultTests.load(DefaultTests.smallest).service.timeouts
    #expect(timeouts.proxyHeader == .seconds(3))
    #expect(timeouts.tlsHandshake == .seconds(5))
    #expect(timeouts.httpRequest == .seconds(10))
    #expect(timeouts.queue == .minutes(1))
    #expect(timeouts.connect == .seconds(10))
    #expect(timeouts.client == .minutes(1))
    #expect(timeouts.server == .minutes(1))
    #expect(timeouts.keepAlive == .seconds(10))
    #expect(timeouts.tunnel == .hours(12))
    #expect(timeouts.stop == .seconds(30))
  }

  @Test func `limits, pool and log have defaults`() throws {
    let configuration = try DefaultTests.load(DefaultTests.smallest)
    #expect(configuration.limits.connections == 10_000)
    #expect(configuration.limits.connectionsPerAddress == 4000)
    #expect(configuration.service.limits.headerBytes == HeadLimits().bytes)
    #expect(configuration.service.limits.headerFields == HeadLimits().fieldLines)
    #expect(configuration.service.limits.requestsPerConnection == nil)
    #expect(configuration.service.limits.queue == 1000)
    #expect(configuration.service.pool.share)
    #expect(configuration.service.pool.idleConnections == 32)
    #expect(configuration.service.pool.idleTimeout == .seconds(10))
    #expect(configuration.log.level == .info)
    #expect(configuration.log.target == .automatic)
    #expect(configuration.log.access?.format == .httplog)
    #expect(configuration.log.access?.target == .standardOutput)
  }

  @Test func `each of several services has the defaults of a single one, under its own keys`() throws {
    let services = try DefaultTests.load(DefaultTests.services).services
    #expect(services.map(\.name) == ["view", "cards"])
    #expect(services.map(\.redirect?.listeners.first?.description) == ["192.168.1.170:80", "192.168.1.171:80"])
    #expect(services.map(\.health.host) == ["view.domain.local", "cards.domain.local"])
    #expect(services.map(\.health.jitter) == [.milliseconds(500), .milliseconds(200)])
    #expect(services.flatMap(\.servers).map(\.fullName) == ["view/view01", "view/view02", "cards/view01"])
    #expect(
      services.flatMap(\.servers).map(\.serverName) == ["view.domain.local", "view.domain.local", "cards.domain.local"])
  }

  @Test func `the error pages that can be replaced are those that HTTP1 sends`() {
    #expect(Configuration.statusCodes == HTTP1.Status.allCases.map(\.rawValue))
  }

  @Test func `the redirect listens on port 80 of the addresses that https listens on`() throws {
    let configuration = try DefaultTests.load(
      DefaultTests.smallest + "\nlisten: [192.168.1.170, \"192.168.1.170:8443\", \"[fd00::170]:443\"]\n")
    let expected = try ["192.168.1.170", "fd00::170"].map {
      Configuration.Listener(address: try IPAddress(parsing: $0), port: 80)
    }
    #expect(configuration.service.redirect?.listeners == expected)
  }

  @Test func `servers have the file's trust and the service's name, unless they have their own`() throws {
    let configuration = try DefaultTests.load(
      """
      service: [view.domain.local, portal.domain.local]
      tls: { certificate: /etc/view.pem }
      trust: { ca: /etc/ca.pem }
      servers:
        view01: 192.168.1.165
        view02: { address: 192.168.1.166, trust: system, server-name: View02.domain.local }
      """)
    #expect(configuration.service.servers.map(\.trust) == [.authority(file: "/etc/ca.pem"), .system])
    #expect(configuration.service.servers.map(\.serverName) == ["view.domain.local", "view02.domain.local"])
  }

  @Test func `an IPv6 service name has brackets in Host and none in certificates`() throws {
    let configuration = try DefaultTests.load(
      """
      service: FD00:0::170
      tls: { certificate: /etc/view.pem }
      servers: { view01: 192.168.1.165 }
      """)
    #expect(configuration.service.health.host == "[fd00::170]")
    #expect(configuration.service.servers[0].serverName == "fd00::170")
  }

  @Test(arguments: [("lb1", "eth0", 101), ("lb1.domain.local", "eth0", 101), ("LB2", "ens192", 100)])
  func `one file serves both nodes`(host: String, interface: String, priority: UInt8) throws {
    let text =
      DefaultTests.smallest + """

        vrrp:
          interface: { lb1: eth0, lb2.domain.local: ens192 }
          router: 51
          priority: { lb1: 101, lb2: 100 }
          address: 192.168.1.170/24
        """
    let loaded = Configuration.load(text: text, fileName: "belvedere.yaml", hostName: host)
    let router = try #require(loaded.configuration?.virtualRouters.first)
    #expect(router.interface == interface)
    #expect(router.settings.identifier == 51)
    #expect(router.settings.priority == priority)
    #expect(router.settings.addresses.map(\.address) == [try IPAddress(parsing: "192.168.1.170")])
    #expect(router.settings.addresses.map(\.prefixLength) == [24])
  }

  @Test(arguments: ["lb1", "lb2"])
  func `the shipped example is accepted without a warning on both nodes`(host: String) {
    let text = TestFile.read("../../etc/belvedere.yaml")
    let loaded = Configuration.load(text: text, fileName: "/etc/belvedere/belvedere.yaml", hostName: host)
    #expect(loaded.configuration?.virtualRouters.first?.settings.priority == (host == "lb1" ? 101 : 100))
    #expect(loaded.diagnostics.isEmpty)
  }

  @Test func `the values that the shipped example comments out are the defaults`() throws {
    let text = TestFile.read("../../etc/belvedere.yaml")
    let uncommented = text.replacing(/(?m)^( *)#(?! \S)(?=[ a-z])/) { "\($0.output.1)" }
    #expect(uncommented.contains("\nlisten: 443\n") && uncommented.contains("\n  hold: 90m\n"))
    #expect(try DefaultTests.load(uncommented) == DefaultTests.load(text))
  }

  @Test func `the suggestions in comments of the shipped example are valid keys`() throws {
    let root = try #require(Schema.sections.first { $0.name == Schema.rootName })
    let suggestions = TestFile.read("../../etc/belvedere.yaml").matches(of: /(?m)^# ([a-z-]+):[ ]/).map(\.output.1)
    #expect(suggestions.count > 5)
    for key in suggestions { #expect(root.keys.contains { $0.name == key }, "\(key)") }
  }
}

extension Configuration {
  /// The service of a file with a single one.
  var service: Service { services[0] }
}
