import Simulation
import Testing
import Wire

@testable import Balancing

private func networks(_ texts: [String]) throws -> [IPPrefix] { try texts.map { try IPPrefix(parsing: $0) } }

private func table(_ allow: [String], _ deny: [String] = []) throws -> NetworkTable {
  NetworkTable(allow: try networks(allow), deny: try networks(deny))
}

@Suite struct `A table of networks` {
  @Test(
    arguments: [
      ([], [], "192.0.2.1", true), ([], [], "2001:db8::1", true),
      ([], ["192.0.2.0/24"], "192.0.2.255", false), ([], ["192.0.2.0/24"], "192.0.3.0", true),
      (["192.0.2.0/24"], [], "192.0.2.0", true), (["192.0.2.0/24"], [], "192.0.1.255", false),
      // A list of one family admits no client of the other.
      (["192.0.2.0/24"], [], "2001:db8::1", false), (["2001:db8::/32"], [], "192.0.2.1", false),
      ([], ["192.0.2.0/24"], "2001:db8::1", true),
      // The smallest network decides, in whichever list.
      (["10.0.0.0/8"], ["10.66.0.0/16"], "10.66.1.1", false), (["10.0.0.0/8"], ["10.66.0.0/16"], "10.67.0.0", true),
      (["10.66.1.0/24"], ["10.0.0.0/8"], "10.66.1.9", true), (["10.66.1.0/24"], ["10.0.0.0/8"], "10.66.2.0", false),
      (["10.66.1.1"], ["10.66.1.0/24", "10.0.0.0/8"], "10.66.1.1", true),
      (["0.0.0.0/0"], ["10.0.0.0/8"], "255.255.255.255", true), (["0.0.0.0/0"], ["10.0.0.0/8"], "10.0.0.0", false),
      (["::/0"], ["2001:db8::/32"], "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true),
      (["0.0.0.0/0"], ["255.255.255.255"], "255.255.255.255", false),
      // An IPv4-mapped address is the IPv4 address.
      (["10.0.0.0/8"], [], "::ffff:10.1.2.3", true), (["::ffff:10.0.0.0/104"], [], "10.1.2.3", true),
      // Of two equal networks the denied one counts.
      (["10.0.0.0/8"], ["10.0.0.0/8"], "10.1.1.1", false),
    ] as [([String], [String], String, Bool)])
  func `decides by the smallest network`(allow: [String], deny: [String], address: String, isAllowed: Bool) throws {
    #expect(try table(allow, deny).allows(try IPAddress(parsing: address)) == isAllowed)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `agrees with a search through all networks`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    func address() -> IPAddress {
      // Few bits, so that networks contain each other.
      let bits = UInt32.random(in: 0..<64, using: &random) << 26 | UInt32.random(in: 0..<4, using: &random)
      return Bool.random(using: &random)
        ? IPAddress(v4: bits) : IPAddress(v6High: UInt64(bits) << 32 | 1, low: UInt64(bits))
    }
    func list() -> [IPPrefix] {
      (0..<Int.random(in: 0..<40, using: &random)).compactMap { _ in
        let address = address()
        return IPPrefix(containing: address, length: Int.random(in: 0...address.bitWidth, using: &random))
      }
    }
    let (allow, deny) = (list(), list())
    let table = NetworkTable(allow: allow, deny: deny)
    for _ in 0..<200 {
      let address = address()
      let best = (allow.map { ($0, true) } + deny.map { ($0, false) }).filter { $0.0.contains(address) }
        .max { ($0.0.length, $0.1 ? 0 : 1) < ($1.0.length, $1.1 ? 0 : 1) }
      #expect(table.allows(address) == (best?.1 ?? allow.isEmpty), "\(address) \(allow) \(deny)")
    }
  }
}
