@testable import Configuration
import Domain
import Testing
@testable import VRRP
import Wire

@testable import Supervisor

private func ip(_ text: String) throws -> IPAddress { try IPAddress(parsing: text) }

private func router(
  _ addresses: [String] = ["192.0.2.100"], _ change: (inout Configuration.VirtualRouter) throws -> Void = { _ in }
) throws -> Configuration.VirtualRouter {
  var router = Configuration.VirtualRouter(
    interface: "eth0",
    settings: VirtualRouterSettings(
      identifier: 51, priority: 101, addresses: try addresses.map { .init(address: try ip($0), prefixLength: 24) }))
  router.name = "router-51"
  try change(&router)
  return router
}

@Suite struct `The plan of a virtual router` {
  @Test func `has the configuration's values in the protocol's units`() throws {
    let plan = try RouterPlan(
      try router {
        $0.settings.version = .v2
        $0.settings.interval = .seconds(2)
        $0.settings.checksum = .pseudoHeader
        $0.settings.preempts = false
        $0.authentication = .init(password: "pair51")
      })
    #expect(plan.settings.version == .v2)
    #expect(plan.settings.intervalCentiseconds == 200)
    #expect(plan.settings.lease == .seconds(6))
    #expect(!plan.settings.preempts)
    #expect(plan.authentication == .simpleText(Array("pair51".utf8)))
    #expect(plan.keyed == nil)
  }

  @Test func `has the node's own conditions first, then those of the configuration`() throws {
    let plan = try RouterPlan(
      try router {
        $0.tracks = [
          .init(subject: .interface("eth1"), weight: .giveUp, recovery: .zero),
          .init(
            subject: .script(path: "/etc/check", interval: .seconds(1), timeout: .seconds(1), fall: 2),
            weight: .priority(-50),
            recovery: .seconds(2)),
          .init(subject: .servers(fewerBy: 2), weight: .priority(-50), recovery: .seconds(10)),
        ]
      })
    let names = ["worker", "servers", "link eth0", "link eth1", "script check", "fewer servers"]
    #expect(plan.tracks.map(\.name) == names)
    #expect(plan.tracks.map(\.canServe) == names.map { $0 == "fewer servers" })
    #expect(plan.tracks.map(\.recovery.milliseconds) == [2000, 0, 0, 0, 2000, 0])
    #expect(ServerTrack.all(of: plan).map(\.track) == [5])
    #expect(ServerTrack.all(of: plan).map(\.margin) == [2])
    #expect(ServerTrack.all(of: plan).map(\.shortfall.recovery) == [.seconds(10)])
    #expect(plan.tracks[RouterPlan.Condition.worker.rawValue].weight == .giveUp)
    #expect(plan.tracks[RouterPlan.Condition.servers.rawValue].weight == .priority(-253))
    #expect(plan.tracks[RouterPlan.Condition.link.rawValue].weight == .giveUp)
    #expect(plan.tracks.suffix(3).map(\.weight) == [.giveUp, .priority(-50), .priority(-50)])
  }

  @Test func `a key that can't be read is reported with its file`() throws {
    let failure = #expect(throws: KeyFailure.self) {
      try RouterPlan(
        try router { $0.authentication = .init(keys: [.init(identifier: 1, place: .file("/does/not/exist"))]) })
    }
    #expect(failure?.description.hasPrefix("vrrp: the key /does/not/exist can't be read: No such file") == true)
  }

  @Test(
    arguments: [
      (["192.0.2.11", "192.0.2.12"], nil, nil, "192.0.2.11"),
      (["192.0.2.11", "192.0.2.12"], "192.0.2.12", nil, "192.0.2.12"),
      (["192.0.2.11"], "192.0.2.12", nil, nil),
      (["192.0.2.11", "192.0.2.12"], nil, ["192.0.2.12", "192.0.2.13"], "192.0.2.12"),
      (["fe80::1"], nil, nil, nil), ([], nil, nil, nil),
    ] as [([String], String?, [String]?, String?)])
  func `the source is the configured address, or the first of the interface`(
    own: [String], source: String?, peers: [String]?, expected: String?
  ) throws {
    let plan = try RouterPlan(
      try router {
        $0.source = try source.map(ip)
        $0.settings.peers = try peers?.map(ip)
      })
    let source = plan.source(among: try own.map(ip))
    let wanted = try expected.map(ip)
    #expect(source == wanted)
  }

  @Test(
    arguments: [
      (nil, "fe80::11"), (["2001:db8::12"], "2001:db8::11"), (["2001:db8::9", "2001:db8::12"], "2001:db8::9"),
      (["fe80::12"], "fe80::11"),
    ] as [([String]?, String)])
  func `IPv6 has a link-local source (RFC 9568 §5.1.2.1), unless a peer is off-link`(
    peers: [String]?, expected: String
  ) throws {
    let plan = try RouterPlan(try router(["2001:db8::100"]) { $0.settings.peers = try peers?.map(ip) })
    let own = try ["192.0.2.11", "2001:db8::11", "2001:db8::9", "fe80::11"].map(ip)
    let wanted = try ip(expected)
    #expect(plan.source(among: own) == wanted)
  }
}

@Suite struct `A key file` {
  @Test func `has 64 to 128 hexadecimal digits, and white space anywhere`() {
    let digits = String(repeating: "0aF9", count: 16)
    let key = Configuration.VirtualRouter.KeyPlace.key(
      in: Array("\(digits.prefix(32))\n \(digits.dropFirst(32))\r\n".utf8))
    #expect(key == (0..<16).flatMap { _ in [0x0a, 0xf9] })
  }

  @Test(arguments: [0, 62, 63, 65, 130])
  func `is refused with another number of digits`(count: Int) {
    #expect(Configuration.VirtualRouter.KeyPlace.key(in: [UInt8](repeating: 0x61, count: count)) == nil)
  }

  @Test func `is refused with other characters`() {
    #expect(Configuration.VirtualRouter.KeyPlace.key(in: [UInt8](repeating: 0x78, count: 64)) == nil)
  }
}
