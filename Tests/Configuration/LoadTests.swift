import Balancing
import Testing

@testable import Configuration

/// The encoding of a configuration file, and its references to other files.
@Suite struct LoadTests {
  private func load(_ bytes: [UInt8], fileName: String = "case.yaml") -> Configuration.Loaded {
    Configuration.load(bytes: bytes, fileName: fileName, hostName: "lb1")
  }

  private func printed(_ text: String, ending: [UInt8] = []) -> [String] {
    load(Array(text.utf8) + ending).diagnostics.map(\.rendered)
  }

  @Test func `a byte order mark is skipped and does not move columns`() {
    #expect(printed("\u{feff}tsl: 1\u{85}") == printed("tsl: 1\u{85}"))
  }

  @Test func `bytes that are not UTF-8 are reported with their place`() {
    #expect(
      printed("mode: http\nservice: Größe", ending: [0xff, 0x0a]) == [
        """
        case.yaml:2:15: error: not UTF-8 text
            2 | service: Größe
              |               ^
              = Save the file in UTF-8.
        """
      ])
  }

  @Test func `characters that are not text are named`() {
    #expect(
      printed("mode: \u{0}http\n") == [
        """
        case.yaml:1:7: error: the character U+0000 is not text
            1 | mode: 
              |       ^
        """
      ])
  }

  @Test func `a file above 1 MiB is refused`() {
    #expect(
      load([UInt8](repeating: UInt8(ascii: "#"), count: (1 << 20) + 1)).diagnostics.map(\.rendered)
        == ["case.yaml: error: larger than 1 MiB: this is not a configuration file"])
    #expect(
      load([UInt8](repeating: UInt8(ascii: "#"), count: 1 << 20)).diagnostics.first?.message == "the file says nothing")
  }

  @Test(arguments: ["\n", "\r\n", "\r", "\u{85}", "\u{2028}"])
  func `lines are counted as libyaml counts them`(end: String) {
    #expect(printed("# one\(end)# two\(end)tsl: 1\(end)").last?.contains("3 | tsl: 1\n") == true)
  }

  @Test func `an unreadable file is reported as a diagnostic`() {
    let diagnostic = Diagnostic.unreadable(file: "/etc/belvedere/belvedere.yaml", reason: "No such file or directory")
    #expect(diagnostic.rendered == "/etc/belvedere/belvedere.yaml: error: cannot be read: No such file or directory")
  }

  @Test func `the caret is below its place after tabs, and long lines are truncated`() {
    let mark = Mark(line: 12, column: 3, length: 2)
    let place = Diagnostic.Place(mark: mark, sourceLine: "\t\tab" + String(repeating: "x", count: 300) + "\u{7}")
    let lines = Diagnostic(.warning, file: "f", place: place, message: "m").rendered.split(separator: "\n")
    #expect(lines[0] == "f:12:3: warning: m")
    #expect(lines[1] == "   12 | \t\tab" + String(repeating: "x", count: 156) + "…")
    #expect(lines[2] == "      | \t\t^~")
  }

  @Test func `a file belongs to its service, however long the service's name is`() {
    let name = String(repeating: "v", count: 64)
    let loaded = load(Array("services: { \(name): { tls: { certificate: /etc/view.pem } } }".utf8))
    #expect(loaded.files.map(\.service) == [name])
    let noName = load(Array("services: { \(name)v: { tls: { certificate: /etc/view.pem } } }".utf8))
    #expect(noName.diagnostics.allSatisfy { !$0.message.contains(name) })
  }

  static let naming = """
    service: view.domain.local
    tls:
      certificate: tls/view.pem
      key: /etc/keys/view.key
    trust: { ca: ../ca.pem }
    errors: { 503: 503.html }
    log: { access: { target: ./access.log } }
    affinity: { file: /var/lib/belvedere/affinity }
    server-state-file: state
    servers: { view01: 192.168.1.165 }
    """

  @Test func `a file is listed with its purpose and place, and a relative path is from the configuration's directory`()
  {
    let loaded = load(Array(LoadTests.naming.utf8), fileName: "/etc/belvedere/belvedere.yaml")
    #expect(
      loaded.files.map { "\($0.purpose) \($0.path) \($0.mark.line):\($0.mark.column)" } == [
        "certificate /etc/belvedere/tls/view.pem 3:16", "privateKey /etc/keys/view.key 4:8",
        "trustAnchors /etc/belvedere/../ca.pem 5:14", "affinity /var/lib/belvedere/affinity 8:19",
        "errorPage /etc/belvedere/503.html 6:16", "serverState /etc/belvedere/state 9:20",
        "accessLog /etc/belvedere/./access.log 7:26",
      ])
    #expect(loaded.configuration?.service.tls.certificates.first?.chain == "/etc/belvedere/tls/view.pem")
    #expect(load(Array(LoadTests.naming.utf8)).files.first?.path == "tls/view.pem")
  }

  @Test func `an invalid file is reported where it is named, and the configuration is refused`() throws {
    var loaded = load(Array(LoadTests.naming.utf8), fileName: "/etc/belvedere/belvedere.yaml")
    #expect(loaded.configuration != nil)
    let key = try #require(loaded.files.first { $0.purpose == .privateKey })
    loaded.refuse(key, because: "Permission denied")
    #expect(loaded.configuration == nil)
    #expect(
      loaded.diagnostics.map(\.rendered) == [
        """
        /etc/belvedere/belvedere.yaml:4:8: error: /etc/keys/view.key: Permission denied
            4 |   key: /etc/keys/view.key
              |        ^~~~~~~~~~~~~~~~~~
        """
      ])
  }

  @Test func `a warning about a file does not refuse the configuration`() throws {
    var loaded = load(Array(LoadTests.naming.utf8))
    let file = try #require(loaded.files.first)
    loaded.warn(about: file, "expires in 3 days", suggestion: "Renew it.")
    #expect(loaded.configuration != nil)
    #expect(loaded.diagnostics.map(\.severity) == [.warning])
  }

  @Test func `more servers than supported are refused, at the first that is too many`() {
    func text(_ count: Int) -> String {
      "service: view.test\ntls: { certificate: a.pem }\nservers:\n"
        + (1...count).map { "  view\($0): 10.0.\($0 / 250).\($0 % 250 + 1)\n" }.joined()
    }
    let most = ServerSet.capacity
    #expect(printed(text(most)).isEmpty)
    #expect(load(Array(text(most).utf8)).configuration?.servers.count == most)
    #expect(load(Array(text(most + 1).utf8)).configuration == nil)
    #expect(
      printed(text(most + 9)).first?.hasPrefix("case.yaml:\(most + 4):3: error: more than \(most) servers") == true)
  }

  /// Lists whose elements a rule compares with each other, and values that must fit into a buffer.
  @Test(arguments: [
    ("service", "[\((0...1000).map { "n\($0).test" }.joined(separator: ", "))]", "more than 1000 entries"),
    ("listen", "[\((0...1000).map { "\(2000 + $0)" }.joined(separator: ", "))]", "more than 1000 entries"),
    (
      "forwarded",
      "{ trusted-proxies: [\((0...1000).map { "10.0.\($0 / 250).\($0 % 250)/32" }.joined(separator: ", "))] }",
      "more than 1000 entries"
    ),
    ("redirect", "{ location: https://view.test/\(String(repeating: "a", count: 8192)) }", "expected a URL"),
    ("health", "{ path: /\(String(repeating: "a", count: 8192)) }", "expected a path"),
  ])
  func `values that are too long for the running service are refused`(key: String, value: String, message: String) {
    let text = "service: view.test\ntls: { certificate: a.pem }\nservers: { view01: 10.0.0.1 }\n"
    let lines = (key == "service" ? text.split(separator: "\n").dropFirst() : text.split(separator: "\n")[...])
      .joined(separator: "\n")
    let loaded = load(Array((lines + "\n\(key): \(value)\n").utf8))
    #expect(loaded.configuration == nil)
    #expect(loaded.diagnostics.contains { $0.message.contains(message) }, "\(loaded.diagnostics.map(\.message))")
  }
}
