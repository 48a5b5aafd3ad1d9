import Balancing
import Testing

@testable import Configuration

@Suite struct `Capacity of the machine` {
  private func shortfalls(_ settings: String = "", change: (inout Configuration.Resources) -> Void) throws -> [String] {
    let text = """
      service: view.test
      tls: { certificate: view.pem }
      threads: 2
      servers: { view01: { address: 192.0.2.1, connections: 30000 }, view02: 192.0.2.2 }
      \(settings)
      """
    let configuration = try #require(
      Configuration.load(text: text, fileName: "test.yaml", hostName: "lb1").configuration)
    var resources = Configuration.Resources(
      descriptors: 524_288, ports: 1024...65535, memory: 8_000_000_000, processors: 2)
    change(&resources)
    return configuration.shortfalls(on: resources)
  }

  @Test func `a server's port counts once, however often the file names it`() throws {
    for listen in [#"["*:443", "0.0.0.0:8443"]"#, #"["*:443"]"#] {
      let text = """
        service: view.test
        listen: \(listen)
        tls: { certificate: view.pem }
        servers: { view01: { address: 192.0.2.1, ports: [5001, 5001] } }
        """
      let configuration = Configuration.load(text: text, fileName: "test.yaml", hostName: "lb1").configuration
      #expect(try #require(configuration).service.serverListeners == [Configuration.Listener(address: nil, port: 5001)])
    }
  }

  @Test func `sufficient resources are not mentioned`() throws {
    #expect(try shortfalls { _ in } == [])
    #expect(try shortfalls { ($0.ports, $0.memory) = (nil, nil) } == [])
  }

  @Test func `descriptors`() throws {
    let told = try shortfalls { $0.descriptors = 1024 }
    #expect(told.count == 1 && told[0].contains("only 490 are accepted at once"))
  }

  @Test func `sockets that systemd keeps over a restart`() throws {
    let ports = (20_001...20_600).map(String.init).joined(separator: ", ")
    let text = """
      service: view.test
      mode: passthrough
      listen: ["127.0.0.1:443", "127.0.0.2:443"]
      redirect: off
      threads: 2
      servers: { view01: { address: 192.0.2.1, ports: [\(ports)] } }
      """
    let configuration = try #require(
      Configuration.load(text: text, fileName: "test.yaml", hostName: "lb1").configuration)
    let resources = Configuration.Resources(descriptors: 524_288, ports: nil, memory: nil, processors: 2)
    let told = configuration.shortfalls(on: resources)
    #expect(told.count == 1 && told[0].contains("1202 listeners of 2 threads take 2404 sockets"))
  }

  @Test func `source ports, for each server separately`() throws {
    let told = try shortfalls { $0.ports = 32_768...60_999 }
    #expect(told.count == 1)
    #expect(
      told.first?.hasPrefix(
        """
        server view01: `connections` is 30000, but only 28232 source ports lead to 192.0.2.1:443 \
        (net.ipv4.ip_local_port_range is 32768 to 60999)
        """) == true)
  }

  @Test func `source ports, for servers at one address together`() throws {
    let services = (1...2).map { number in
      """
        s\(number):
          service: s\(number).test
          listen: 127.0.0.\(number)
          mode: passthrough
          servers: { view01: { address: 192.0.2.1, connections: 20000 }, view02: { address: 192.0.2.2, connections: 20000 } }

      """
    }
    let text =
      "services:\n" + services[0]
      + services[1].replacing("view02: { address: 192.0.2.2", with: "view02: { address: 192.0.2.3")
    let configuration = try #require(
      Configuration.load(text: text, fileName: "test.yaml", hostName: "lb1").configuration)
    let resources = Configuration.Resources(descriptors: 524_288, ports: 32_768...60_999, memory: nil, processors: 2)
    let told = configuration.shortfalls(on: resources)
    #expect(told.count == 1)
    #expect(told.first?.hasPrefix("server s1/view01, s2/view01: `connections` is 40000, but only 28232") == true)
  }

  @Test func `memory of the assignment tables and of flows`() throws {
    let affinity = "affinity: { by: [tunnel, cookie JSESSIONID, client-address], entries: 10000000 }"
    let told = try shortfalls(affinity) { $0.memory = 1_900_000_000 }
    #expect(told.count == 1 && told[0].contains("30000000 entries of `affinity` 2040 MB (68 bytes each), and this"))
    #expect(try shortfalls(affinity) { $0.memory = 2_200_000_000 } == [])
    let flows = "relay: { udp: 4172 }\nlimits: { connections: 100, flows: 60000 }"
    let both = try shortfalls(flows) { $0.memory = 40_000_000 }
    #expect(both.count == 1 && both[0].contains("60000 `flows` 36 MB (600 bytes each), and this service"))
  }

  @Test func `memory of the accepted connections`() throws {
    let told = try shortfalls { $0.memory = 100_000_000 }
    #expect(told.count == 1 && told[0].contains("10000 idle ones take about 150 MB (15000 bytes each)"))
    #expect(told[0].contains("may use 100 MB"))
    #expect(
      try shortfalls {
        $0.memory = 100_000_000
        $0.descriptors = 1024
      }.count == 1)
  }
}
