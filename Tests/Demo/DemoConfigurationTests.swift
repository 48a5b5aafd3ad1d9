import Configuration
import Domain
import Testing
import Wire

@testable import Demo

@Suite struct DemoConfigurationTests {
  static func endpoint(_ port: UInt16) -> Endpoint { Endpoint(address: IPAddress(v4: 0x7F00_0001), port: port) }

  static let configuration = DemoConfiguration(
    https: endpoint(8443), redirect: endpoint(8080), certificatePath: "/dev/shm/belvedere-a/view.pem",
    servers: [
      .init(name: "view01", endpoint: endpoint(8451), fingerprint: String(repeating: "ab", count: 32)),
      .init(name: "view02", endpoint: endpoint(8452), fingerprint: String(repeating: "cd", count: 32)),
    ])

  @Test func `the balancer accepts the configuration without a warning`() throws {
    let loaded = Configuration.load(
      bytes: Array(Self.configuration.text.utf8), fileName: "demo.yaml", hostName: "lb1")
    #expect(loaded.diagnostics.map(\.rendered) == [])
    let read = try #require(loaded.configuration)
    #expect(read.services[0].listeners == [.init(address: Self.endpoint(0).address, port: 8443)])
    #expect(read.services[0].redirect?.listeners == [.init(address: Self.endpoint(0).address, port: 8080)])
    #expect(read.servers.map(\.name) == ["view01", "view02"])
    #expect(read.servers.map(\.endpoint.port) == [8451, 8452])
    // Verification stays on: each server is known by its own certificate.
    for server in read.servers {
      guard case .fingerprints(let pinned) = server.trust else {
        Issue.record("\(server.name) is trusted by \(server.trust)")
        continue
      }
      #expect(pinned.count == 1)
    }
  }

  @Test func `every command to try is one line that names its endpoint`() {
    let banner = Banner(configuration: Self.configuration, executable: "/usr/bin/belvedere", control: "@demo")
    let endpoints = ["127.0.0.1:8443", "127.0.0.1:8080", "@demo"]
    for (what, command) in banner.tries {
      #expect(!command.contains("\n") && endpoints.contains(where: command.contains))
      #expect(banner.text.contains("  # \(what)\n  \(command)\n"))
    }
  }
}
