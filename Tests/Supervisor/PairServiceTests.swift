import Configuration
import Control
import Domain
import Pair
import Testing
import Wire
import WorkerProtocol

@testable import Supervisor

@Suite struct `Facts and vitals of this node` {
  private static let start = Instant(nanoseconds: Interval.hours(1).nanoseconds)

  private static func service() throws -> PairService {
    let text = """
      service: view.domain.local
      tls: { certificate: /etc/view.pem }
      servers: { view01: 192.0.2.21 }
      pair: { nodes: { lb1: 192.0.2.11, lb2: 192.0.2.12 }, secret: /etc/pair.key }
      """
    let pair = Configuration.load(text: text, fileName: "/b.yaml", hostName: "lb1").configuration?.pair
    return try #require(PairService(pair, at: start, WallTime(seconds: 1)))
  }

  @Test func `are sent to the other nodes of the pair, and not without a pair`() throws {
    #expect(try Self.service().peers.nodes.map(\.name) == ["lb2"])
    #expect(PairService(nil, at: Self.start, WallTime(seconds: 1)) == nil)
  }

  @Test func `vitals are due once a second, and at once after an urgent change`() throws {
    var service = try Self.service()
    var vitals = NodeVitals(wall: WallTime(seconds: 1))
    #expect(service.isDue(vitals, at: Self.start) == true)
    vitals.sessions = 4
    #expect(service.isDue(vitals, at: Self.start + .milliseconds(999)) == false)
    #expect(service.isDue(vitals, at: Self.start + .seconds(1)) == true)
    vitals.services = [.init(name: "", healthy: 1, servers: 2)]
    #expect(service.isDue(vitals, at: Self.start + .seconds(1)) == true)
    #expect(service.isDue(vitals, at: Self.start + .seconds(1)) == false)
  }

  @Test func `facts are due after a change, at most once a second, and for every new worker`() throws {
    var service = try Self.service()
    var facts = NodeFacts(release: "1", since: WallTime(seconds: 1))
    #expect(service.isDue(facts, at: Self.start) == true)
    #expect(service.isDue(facts, at: Self.start + .minutes(5)) == false)
    facts.servers = [.init(name: "view01", state: .down)]
    #expect(service.isDue(facts, at: Self.start + .minutes(5)) == true)
    facts.servers = [.init(name: "view01", state: .up)]
    #expect(service.isDue(facts, at: Self.start + .minutes(5)) == false)
    #expect(service.isDue(facts, at: Self.start + .minutes(5) + .seconds(1)) == true)
    service.workerStarted()
    #expect(service.isDue(facts, at: Self.start + .minutes(5) + .seconds(1)) == true)
  }

  @Test func `have the number of reachable servers of a service once all of them were checked`() {
    var description = ServiceDescription()
    let endpoint = Endpoint(address: IPAddress(v4: 3), port: 443)
    let places = ["view/view01", "view/view02", "cards/view01"].map { ServerIdentity(name: $0, endpoint: endpoint) }
    description.servers = places.map { .init($0) }
    var status = ServiceStatus(description)
    let now = WallTime(seconds: 1)
    status.note(.init(identity: places[0], state: .down, reason: ""), at: now)
    status.note(.init(identity: places[2], state: .drain, reason: ""), at: now)
    #expect(status.serviceVitals == [.init(name: "cards", healthy: 1, servers: 1)])
    status.note(.init(identity: places[1], state: .up, reason: ""), at: now)
    #expect(
      status.serviceVitals == [
        .init(name: "cards", healthy: 1, servers: 1), .init(name: "view", healthy: 1, servers: 2),
      ])
  }

  @Test func `have the service of each certificate`() {
    var description = ServiceDescription()
    description.certificateServices = ["view", "cards"]
    var status = ServiceStatus(description)
    var served = ServedCertificate(notAfter: WallTime(seconds: 9))
    served.fingerprint = String(repeating: "0a", count: 32)
    for place in [1, 2] as [UInt16] {
      status.note(.certificate(served, index: place, number: 1), at: Self.start, WallTime(seconds: 1))
    }
    #expect(status.presentedCertificates.map(\.service) == ["cards"])
    #expect(status.presentedCertificates.first?.fingerprint.description == served.fingerprint)
  }
}
