import HTTP1
import Testing
import Wire

/// The client of a trusted proxy's request. Trusted are 10.0.0.0/8 and 2001:db8:a::/48.
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
    // Addresses written by the client itself are to the left of its proxy's.
    (["198.51.100.1, 192.0.2.7"], "192.0.2.7:0"), (["10.1.1.1, 192.0.2.7"], "192.0.2.7:0"),
    (["unknown, 192.0.2.7"], "192.0.2.7:0"),
    // Proxies are skipped, on several lines as on one.
    (["192.0.2.7, 10.1.1.1, 2001:db8:a::1"], "192.0.2.7:0"), (["192.0.2.7", "10.1.1.1,10.1.1.2"], "192.0.2.7:0"),
    (["198.51.100.1", "192.0.2.7"], "192.0.2.7:0"), (["192.0.2.7,,\t10.1.1.1 , "], "192.0.2.7:0"),
    (["", "192.0.2.7", ""], "192.0.2.7:0"),
    // Only proxies: the first of them is the client.
    (["10.1.1.1, 10.1.1.2"], "10.1.1.1:0"), (["10.1.1.1:7"], "10.1.1.1:7"),
    // An invalid address ends the search.
    (["192.0.2.7, unknown, 10.1.1.1"], "10.1.1.1:0"), (["192.0.2.7, _hidden, 10.1.1.1"], "10.1.1.1:0"),
    (["192.0.2.7, 10.1.1.1 10.1.1.2, 10.1.1.3"], "10.1.1.3:0"),
    (["192.0.2.7", "10.0.0.0/8", "10.1.1.1"], "10.1.1.1:0"),
  ])
  func `is the last address that is not a proxy's, as far as the list is valid`(values: [String], client: String) {
    // The lines are adjacent, and separated.
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
  func `is the proxy itself if no address is given`(value: String) {
    #expect(Self.client(["X-Forwarded-For: \(value)"]) == nil)
    #expect(Self.client(["A: b"]) == nil)
  }

  @Test func `is searched for among a bounded number of proxies`() {
    func list(_ hops: Int) -> String {
      (["192.0.2.7"] + (1..<hops).reversed().map { "10.1.1.\($0)" }).joined(separator: ",")
    }
    #expect(Self.client(["X-Forwarded-For: \(list(32))"])?.description == "192.0.2.7:0")
    #expect(Self.client(["X-Forwarded-For: \(list(33))"])?.description == "10.1.1.32:0")
    #expect(Self.client(["X-Forwarded-For: 192.0.2.7\(String(repeating: ",", count: 40))"]) == nil)
  }
}
