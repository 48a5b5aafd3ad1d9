import Testing

@testable import Configuration

/// `docs/configuration.md` is written by hand, except for the tables of keys: those are between
/// `<!-- keys of SECTION -->` and `<!-- end -->` and come from the schema.
///
/// `BELVEDERE_UPDATE_REFERENCE=1 swift test --filter ReferenceTests` writes them into the page.
@Suite struct ReferenceTests {
  static let page = "../../docs/configuration.md"

  @Test func `the reference page has all tables of the schema`() throws {
    let text = TestFile.read(ReferenceTests.page)
    var expected = text
    for section in Schema.sections {
      expected = try #require(
        ReferenceTests.replaceTable(of: section, in: expected), "no place for the keys of \(section.name)")
    }
    if TestFile.isUpdating("BELVEDERE_UPDATE_REFERENCE") {
      try TestFile.write(expected, to: ReferenceTests.page)
    } else {
      #expect(text == expected)
    }
  }

  @Test func `a former key refers to a current key, and is none itself`() {
    let keys = Schema.sections.flatMap(\.keys).map(\.name)
    for (former, successor) in Schema.formerKeys { #expect(keys.contains(successor) && !keys.contains(former)) }
  }

  @Test func `links to sections lead to headings of the page`() {
    let text = TestFile.read(ReferenceTests.page)
    let headings = text.split(separator: "\n").filter { $0.hasPrefix("#") }.map { heading in
      heading.drop { $0 == "#" || $0 == " " }.lowercased().filter {
        $0.isLetter || $0.isNumber || $0 == " " || $0 == "-"
      }
      .replacing(" ", with: "-")
    }
    for link in text.matches(of: /\]\(#([^)]*)\)/).map(\.output.1) {
      #expect(headings.contains(String(link)), "nothing is called #\(link)")
    }
  }

  struct Example: Sendable, CustomTestStringConvertible {
    let section: Schema.Description
    let key: Schema.KeyDescription

    var testDescription: String { "\(section.name): \(key.name)" }

    private static let router = "interface: eth0, router: 51, priority: 101, address: 192.168.1.170/24"

    /// The key with the other keys that its section requires.
    private func part(_ mine: String) -> String {
      switch (section.name, key.name) {
      case ("vrrp.authentication", "mode"), ("vrrp.authentication", "window"): "keys: { 1: /etc/key }, \(mine)"
      case ("vrrp.track", "weight"), ("vrrp.track", "recovery"): "interface: eth1, \(mine)"
      case ("vrrp.track", "interval"), ("vrrp.track", "timeout"), ("vrrp.track", "fall"):
        "script: /etc/check, \(key.name == "interval" ? "timeout: 1s, " : "")\(mine)"
      case ("vrrp.track", "fewer-servers"): "weight: -50, \(mine)"
      default: mine
      }
    }

    /// The smallest file with this key.
    var text: String {
      var whole = [
        "service": "view.domain.local", "tls": "{ certificate: /etc/view.pem }", "servers": "{ a: 192.168.1.165 }",
      ]
      let needed = section.keys.filter { $0.isRequired && $0.name != key.name }
      let certificate = section.name == "tls" && key.name == "key" ? ["certificate: /etc/view.pem"] : []
      let mine = (certificate + (needed + [key]).map { "\($0.name): \($0.example)" }).joined(separator: ", ")
      let needsCertificate = section.name == "tls" && !["certificate", "certificates", "key"].contains(key.name)
      switch section.name {
      case Schema.rootName where key.name == "services": whole = [key.name: key.example]
      case Schema.rootName: whole[key.name] = key.example
      case "tls": whole["tls"] = needsCertificate ? "{ certificate: /etc/view.pem, \(mine) }" : "{ \(mine) }"
      case "tls.certificates": whole["tls"] = "{ certificates: [{ \(mine) }] }"
      case "observe.tls": whole["observe"] = "{ tls: { \(mine) } }"
      case "tls.client-certificates":
        whole["tls"] = "{ certificate: /etc/view.pem, client-certificates: { \(mine) } }"
      case "servers.NAME": whole["servers"] = "{ a: { \(mine) } }"
      case "access.paths.PATH": whole["access"] = "{ paths: { /admin: { \(mine) } } }"
      case "headers.request", "headers.response":
        whole["headers"] = "{ \(section.name.dropFirst("headers.".count)): { \(mine) } }"
      case "log.access": whole["log"] = "{ access: { \(mine) } }"
      case "vrrp", "vrrp.authentication", "vrrp.track", "vrrp.mail":
        let part = section.name.split(separator: ".").dropFirst().first.map { "\($0): { \(self.part(mine)) }" } ?? mine
        let isOld = ["password"].contains(key.name)
        let rest = section.name == "vrrp" ? "" : Example.router + (isOld ? ", version: 2" : "") + ", "
        whole["vrrp"] = "{ \(rest)\(part) }"
        if key.name == "fewer-servers" {
          whole["pair"] = "{ nodes: { lb1: 192.168.1.162, lb2: 192.168.1.163 }, secret: /etc/key }"
        }
      default: whole[section.name] = "{ \(mine) }"
      }
      return whole.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
    }
  }

  static let examples = Schema.sections.flatMap { section in
    section.keys.map { Example(section: section, key: $0) }
  }

  @Test(arguments: examples)
  func `an example of the reference is a valid value`(_ example: Example) {
    let loaded = Configuration.load(text: example.text, fileName: "example.yaml", hostName: "lb1")
    let errors = loaded.diagnostics.filter { $0.severity == .error }
    #expect(errors.isEmpty, "\(errors.map(\.rendered).joined(separator: "\n"))")
  }

  private static func replaceTable(of section: Schema.Description, in page: String) -> String? {
    guard let start = page.firstRange(of: "<!-- keys of \(section.name) -->\n")?.upperBound,
      let end = page[start...].firstRange(of: "<!-- end -->")?.lowerBound
    else { return nil }
    return page[..<start] + table(of: section) + page[end...]
  }

  private static func table(of section: Schema.Description) -> String {
    let rows = section.keys.map { key in
      "| `\(key.name)` | \(key.meaning) | \(key.kind) | \(key.standard) | `\(key.example)` |\n"
    }
    return "| Key | Meaning | Value | Default | Example |\n|---|---|---|---|---|\n" + rows.joined()
  }
}
