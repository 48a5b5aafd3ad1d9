import Testing

@testable import Balancing

@Suite struct `Budget of file descriptors` {
  private func budget(_ limit: UInt64, configured: Int = 10_000) -> DescriptorBudget {
    DescriptorBudget(limit: limit, configured: configured, servers: 2, loops: 2, listeners: 4)
  }

  /// The reserve is 44.
  @Test func `a client takes two descriptors, after the reserve`() {
    let rows: [(limit: UInt64, connections: Int, servers: Int)] = [
      (0, 1, 1), (44, 1, 1), (47, 1, 2), (48, 2, 2), (200, 78, 78), (256, 106, 106), (1024, 490, 490),
      (20_043, 9999, 10_000), (20_044, 10_000, 10_000), (524_288, 10_000, 514_244), (.max, 10_000, .max),
    ]
    for row in rows {
      let budget = budget(row.limit)
      #expect(budget.reserve == 44)
      #expect(budget.connections == row.connections, "\(row.limit)")
      #expect(budget.serverConnections == row.servers, "\(row.limit)")
      #expect((budget.warning == nil) == (row.connections == 10_000), "\(row.limit)")
    }
  }

  @Test func `the reserve includes the pair's connections`() {
    func reserve(_ nodes: Int?) -> Int {
      DescriptorBudget(limit: 1024, configured: 1, servers: 2, loops: 2, listeners: 4, nodes: nodes).reserve
    }
    #expect([nil, 1, 7].map(reserve) == [44, 58, 70])
  }

  @Test func `the warning has the calculation`() {
    #expect(
      budget(200).warning == """
        `limits: connections` is 10000, but only 78 are accepted at once: this process may open 200 descriptors, 44 are \
        reserved for listeners, health checks, files and flows, and a client takes 2. 10000 clients need \
        LimitNOFILE=20044 (`systemctl edit belvedere`)
        """)
  }

  @Test func `the largest configured numbers do not overflow`() {
    let budget = DescriptorBudget(
      limit: 1, configured: 10_000_000, servers: 64, loops: 256, listeners: 256 * 64)
    #expect(budget.connections == 1)
    #expect(budget.needed > 20_000_000)
  }
}
