import HTTP1
import Testing
import Wire

/// Whom a trusted proxy's request is for. Trusted are 10.0.0.0/8 and 2001:db8:a::/48.
@Suite struct ForwardedForTests {
  static let proxies = ["10.0.0.0/8", "2001:db8:a::/48"].compactMap { try? IPPrefix(parsing: $0) }

  static func client(_ lines: [String]) -> Endpoint? {
    let text = request(lines.joined(separator: "\r\n"))
    guard let head = parseRequest(text).head else { return nil }
    return head.forwardedClient(in: bytes(text).span, by: proxies)
  }

  @Test(arguments: [
    (["192.0.2.7"], "192.0.2.7:0"), (["192.0.2.7:50312"], "192.0.2.7:50312"),
    (["2001:db8::7"], "[2001:db8::7]:0"), (["[2001:db8::7]"], "[2001:db8::7]:0"),
    (["[2001:db8::7]:443"], "[2001:db8::7]:443"), (["::ffff:192.0.2.7"], "192.0.2.7:0"),
    // What the client itself has written is to the left of what its proxy has.
    (["198.51.100.1, 192.0.2.7"], "192.0.2.7:0"), (["10.1.1.1, 192.0.2.7"], "192.0.2.7:0"),
    (["unknown, 192.0.2.7"], "192.0.2.7:0"),
    // Proxies are passed over, on several lines as on one.
    (["192.0.2.7, 10.1.1.1, 2001:db8:a::1"], "192.0.2.7:0"), (["192.0.2.7", "10.1.1.1,10.1.1.2"], "192.0.2.7:0"),
    (["198.51.100.1", "192.0.2.7"], "192.0.2.7:0"), (["192.0.2.7,,\t10.1.1.1 , "], "192.0.2.7:0"),
    (["", "192.0.2.7", ""], "192.0.2.7:0"),
    // Nobody but proxies: the first of them has asked itself.
    (["10.1.1.1, 10.1.1.2"], "10.1.1.1:0"), (["10.1.1.1:7"], "10.1.1.1:7"),
    // What is no address ends the search.
    (["192.0.2.7, unknown, 10.1.1.1"], "10.1.1.1:0"), (["192.0.2.7, _hidden, 10.1.1.1"], "10.1.1.1:0"),
    (["192.0.2.7, 10.1.1.1 10.1.1.2, 10.1.1.3"], "10.1.1.3:0"),
    (["192.0.2.7", "10.0.0.0/8", "10.1.1.1"], "10.1.1.1:0"),
  ])
  func `is the last who is no proxy, as far as the list can be read`(values: [String], client: String) {
    // The lines stand side by side, and apart.
    for between in [[], ["A: b"]] {
      let lines = values.flatMap { ["x-forwarded-FOR: \($0)"] + between }
      #expect(Self.client(lines)?.description == client)
    }
  }

  @Test(arguments: [
    "unknown", "_hidden", "", ",", "192.0.2.7, unknown", "192.0.2.256", "192.0.2.07", "192.0.2.7:", "192.0.2.7:65536",
    "[192.0.2.7]", "[2001:db8::7", "2001:db8::7]:80", "fe80::1%eth0", "\"192.0.2.7\"", "for=192.0.2.7", "example.com",
    "192.0.2.7;10.1.1.1", String(repeating: "1", count: 8000),
  ])
  func `is the proxy itself where nothing tells`(value: String) {
    #expect(Self.client(["X-Forwarded-For: \(value)"]) == nil)
    #expect(Self.client(["A: b"]) == nil)
  }

  @Test func `is looked for among so many proxies, and no more`() {
    func list(_ hops: Int) -> String {
      (["192.0.2.7"] + (1..<hops).reversed().map { "10.1.1.\($0)" }).joined(separator: ",")
    }
    #expect(Self.client(["X-Forwarded-For: \(list(32))"])?.description == "192.0.2.7:0")
    #expect(Self.client(["X-Forwarded-For: \(list(33))"])?.description == "10.1.1.32:0")
    #expect(Self.client(["X-Forwarded-For: 192.0.2.7\(String(repeating: ",", count: 40))"]) == nil)
  }
}
