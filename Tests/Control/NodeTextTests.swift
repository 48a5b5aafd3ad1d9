import Domain
import Testing
import Wire

@testable import Control

@Suite struct `The nodes of a pair in the status page` {
  private static let report: StatusReport = {
    var report = sampleReport
    report.pair = samplePair
    return report
  }()

  private static func page(_ report: StatusReport) -> String { StatusText(report, isColoured: false).text }

  @Test func `are side by side in 80 columns, with the servers that are not up on both`() {
    let page = Self.page(Self.report)
    #expect(
      page.contains(
        """

        node              lb1 (this node)                 lb2
        version           0.1.0                           0.1.0
        running for       3 d 2 h                         3 d 2 h
        sessions          12                              6
        connections       14                              7
        router-51         active, priority 101            backup, priority 100
        servers           2 of 2 reached                  1 of 2 reached
        certificate       abababab until 2026-11-22       abababab until 2026-11-22
        view02            up                              down

        differences
          view02: up here, down on lb2

        virtual router  state
        """), "\(page)")
    #expect(page.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test func `one that does not answer is said to, since when`() {
    var report = Self.report
    report.pair?.nodes[1].answers = false
    report.pair?.nodes[1].heard = WallTime(milliseconds: sampleTime.milliseconds - 190_000)
    report.pair?.differences = []
    let page = Self.page(report)
    #expect(page.contains("\n\nlb2 has not answered since 11:28:51 UTC (3 m 10 s)\n\nvirtual router"), "\(page)")
    report.pair?.nodes[1].heard = WallTime(milliseconds: sampleTime.milliseconds - 86_400_000)
    #expect(Self.page(report).contains("lb2 has not answered since 2026-11-21 11:32:01 UTC (1 d)\n"))
    let alone = StatusText(report, isColoured: false).text(of: "lb2")
    #expect(alone?.hasPrefix("belvedere 0.1.0 on lb2, seen from lb1: does not answer\n") == true)
    #expect(alone?.hasSuffix("\nlb2 has not answered since 2026-11-21 11:32:01 UTC (1 d)\n") == true)
  }

  @Test func `each can be shown alone`() {
    let text = StatusText(Self.report, isColoured: false)
    #expect(text.text(of: "lb1") == Self.page(sampleReport))
    #expect(
      text.text(of: "lb2") == """
        belvedere 0.1.0 on lb2, seen from lb1: answers
          version      0.1.0
          running for  3 d 2 h
          sessions     6
          connections  7
          router-51    backup, priority 100
          servers      1 of 2 reached
          certificate  abababab until 2026-11-22
          view01       up
          view02       down

        """)
    #expect(text.text(of: "lb3") == nil && StatusText(sampleReport, isColoured: false).text(of: "lb2") == nil)
    #expect(StatusText(sampleReport, isColoured: false).text(of: "lb1") == Self.page(sampleReport))
    #expect(Self.report.json(of: "lb1") == sampleReport.json)
    #expect(Self.report.json(of: "lb2")?.hasPrefix(#"{"answers":true,"certificates":[{"fingerprint":"abab"#) == true)
    #expect(Self.report.json(of: "lb3") == nil)
  }

  @Test func `long names are shortened`() {
    var report = Self.report
    let long = String(repeating: "n", count: 64)
    report.pair?.nodes[1].name = long
    report.pair?.nodes[0].servers[0] = .init(name: long, state: .maintenance)
    report.pair?.nodes[1].routers[0].name = long
    report.pair?.nodes[1].services = [.init(name: long, healthy: 1000, servers: 1000)]
    #expect(Self.page(report).split(separator: "\n").allSatisfy { $0.count <= 80 })
  }
}
