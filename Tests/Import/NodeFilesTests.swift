import Configuration
import Import
import Testing

/// keepalived.conf of several nodes, and certificates in another folder.
@Suite struct NodeFilesTests {
  private static func instance(_ lines: String...) -> SourceFile {
    let text = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\n" + lines.joined(separator: "\n") + "\n}\n"
    return SourceFile(path: "keepalived.conf", bytes: Array(text.utf8))
  }

  private static let address = "virtual_ipaddress {\n192.168.1.170/24\n}"

  /// The import on the node, with the files of all nodes.
  private static func outcome(on node: String, _ files: [String: SourceFile]) throws -> Importer.Outcome {
    let own: SourceFile = try #require(files[node])
    let proxies = "listen view\nmode tcp\nbind :443\nserver s 192.168.1.165:443 check\n"
    return Importer.run(
      haproxy: SourceFile(path: "h.cfg", bytes: Array(proxies.utf8)), keepalived: own,
      others: files.filter { $0.key != node }.map { NodeFile(node: $0.key, file: $0.value) },
      ImportOptions(environment: [:], service: "view.domain.local", hostName: node + ".domain.local") { _ in [] })
  }

  /// The text that every node gets.
  private static func text(_ files: [String: SourceFile]) throws -> String {
    let texts = Set(try files.keys.map { try #require(try outcome(on: $0, files).text) })
    let text = try #require(texts.first)
    #expect(texts.count == 1, "\(texts.joined(separator: "\n"))")
    for node in files.keys {
      let loaded = Configuration.load(text: text, fileName: "belvedere.yaml", hostName: node)
      #expect(loaded.configuration != nil, "\(loaded.diagnostics.map(\.rendered).joined(separator: "\n"))\n\(text)")
    }
    return text
  }

  @Test func `every node gets the same configuration from the files of all`() throws {
    let text = try Self.text([
      "lb1": Self.instance("state MASTER", "priority 101", Self.address),
      "lb2": Self.instance("state BACKUP", "priority 100", Self.address),
      "lb10": Self.instance("state BACKUP", "priority 90", Self.address),
    ])
    #expect(text.contains("priority: { lb1: 101, lb10: 90, lb2: 100 }"))
  }

  @Test func `a node without a priority has keepalived's default`() throws {
    let text = try Self.text([
      "lb1": Self.instance("priority 150", Self.address), "lb2": Self.instance("state BACKUP", Self.address),
    ])
    #expect(text.contains("priority: { lb1: 150, lb2: 100 }"))
  }

  @Test func `MASTER and BACKUP with the same priority have one number`() throws {
    let text = try Self.text([
      "lb1": Self.instance("state MASTER", "priority 100", Self.address),
      "lb2": Self.instance("state BACKUP", "priority 100", Self.address),
    ])
    #expect(text.contains("priority: 100,"))
  }

  @Test func `unicast peers and sources of both nodes are one list`() throws {
    let text = try Self.text([
      "lb1": Self.instance(
        "priority 101", "unicast_src_ip 192.168.1.162", "unicast_peer {\n192.168.1.163\n}", Self.address),
      "lb2": Self.instance(
        "priority 100", "unicast_src_ip 192.168.1.163", "unicast_peer {\n192.168.1.162\n}", Self.address),
    ])
    #expect(text.contains("source: { lb1: 192.168.1.162, lb2: 192.168.1.163 }"))
    #expect(text.contains("peers: [192.168.1.162, 192.168.1.163]"))
  }

  @Test func `what must be the same on all nodes and is not needs a person`() throws {
    let other = SourceFile(
      path: "other.conf", bytes: Array("vrrp_instance VI_1 {\nvirtual_router_id 52\nadvert_int 3\n}\n".utf8))
    let outcome = try Self.outcome(
      on: "lb1", ["lb1": Self.instance("advert_int 2", "priority 101", Self.address), "lb2": other])
    let open = outcome.findings.filter(\.verdict.needsPerson).map(\.text)
    #expect(
      open == [
        "other.conf:2: virtual_router_id 52: not possible: vrrp.router is the same on all nodes",
        "other.conf:3: advert_int 3: not possible: vrrp.interval is the same on all nodes",
      ])
  }

  @Test func `certificates get names of their own in the new folder`() throws {
    let text = """
      frontend a
      mode http
      bind :443 ssl crt /a/view.pem crt /b/view.pem crt /new/own.pem crt relative.pem
      default_backend cs
      backend cs
      server s 192.168.1.165:443 ssl verify required ca-file /a/ca.pem check
      server t 192.168.1.166:443 ssl verify required ca-file /b/ca.pem check
      """
    let outcome = Importer.run(
      haproxy: SourceFile(path: "h.cfg", bytes: Array(text.utf8)),
      ImportOptions(environment: [:], service: "view.domain.local", hostName: "lb1", certificates: "/new/") { _ in [] })
    let copies = outcome.copies.map { "\($0.source) \($0.destination)" }
    #expect(
      copies == [
        "/a/view.pem /new/view.pem", "/b/view.pem /new/2-view.pem", "/a/ca.pem /new/ca.pem", "/b/ca.pem /new/2-ca.pem",
      ])
    let written = try #require(outcome.text)
    #expect(written.contains("certificates: [/new/view.pem, /new/2-view.pem, /new/own.pem, relative.pem]"))
    #expect(written.contains("ca: /new/2-ca.pem"))
  }
}
