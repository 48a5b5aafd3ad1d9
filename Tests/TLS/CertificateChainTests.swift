import COpenSSL
import Linux
import Testing
import Wire

@testable import TLS

struct CertificateChainTests {
  private let root = CertificateFactory.authority("Root")
  private let upper: CertificateFactory.IssuedCertificate
  private let lower: CertificateFactory.IssuedCertificate
  private let leaf: CertificateFactory.IssuedCertificate

  init() {
    upper = CertificateFactory.authority("Upper", signedBy: root)
    lower = CertificateFactory.authority("Lower", signedBy: upper)
    leaf = CertificateFactory.leaf(signedBy: lower)
  }

  private func names(_ certificates: [Certificate]) -> [String] {
    certificates.compactMap { CertificateFacts(reading: $0)?.subject }
  }

  @Test func `a chain in order is sent unchanged, without its root (RFC 8446 §4.4.2)`() throws {
    let chain = try leaf.pair(with: [lower, upper, root]).chain
    #expect(names(chain.issuers) == ["CN=Lower", "CN=Upper"])
    #expect(names(chain.root.map { [$0] } ?? []) == ["CN=Root"])
    #expect(chain.isComplete && !chain.isReordered && chain.unrelated.isEmpty)
    #expect(names([chain.top]) == ["CN=Root"])
  }

  @Test(arguments: 1..<24)
  func `a chain in any other order is sorted`(permutation: Int) throws {
    let made = [leaf, lower, upper, root]
    var rest = Array(made.indices)
    var order: [Int] = []
    var number = permutation
    for count in stride(from: 4, to: 0, by: -1) {
      order.append(rest.remove(at: number % count))
      number /= count
    }
    let chain = CertificateChain(
      of: order.firstIndex(of: 0)!, in: order.map { made[$0].certificate }, at: Clock.wall())
    #expect(names(chain.issuers) == ["CN=Lower", "CN=Upper"])
    #expect(chain.isComplete && chain.isReordered == (order != [0, 1, 2, 3]) && chain.unrelated.isEmpty)
  }

  @Test func `a missing issuer ends the chain, and certificates above it are unrelated`() throws {
    let chain = try leaf.pair(with: [upper, root]).chain
    #expect(chain.issuers.isEmpty && chain.root == nil && !chain.isComplete)
    #expect(names(chain.unrelated) == ["CN=Upper", "CN=Root"])
    #expect(names([chain.top]) == ["CN=view.domain.local"])
  }

  @Test func `an authority of the same name with another key is not an issuer`() throws {
    let chain = try leaf.pair(with: [CertificateFactory.authority("Lower", signedBy: upper), upper]).chain
    #expect(chain.issuers.isEmpty && !chain.isComplete && chain.unrelated.count == 2)
  }

  @Test func `a cross-signed certificate of a root is sent instead of the root`() throws {
    let old = CertificateFactory.authority("Old Root")
    let name = "Lower"
    let crossed = CertificateFactory.make(
      name, signedBy: old, extensions: [(NID_basic_constraints, "critical,CA:TRUE")])
    let own = CertificateFactory.resigned(crossed, by: crossed)
    let leaf = CertificateFactory.leaf(signedBy: crossed)
    for file in [[own, crossed], [crossed, own]] {
      let chain = try leaf.pair(with: file).chain
      #expect(chain.issuers.count == 1 && chain.issuers[0].isEqual(to: crossed.certificate))
      #expect(chain.unrelated.isEmpty && chain.replaced.isEmpty)
    }
  }

  /// An issuer's other certificates, by their validity in seconds from now, and whether each is sent instead of one
  /// that is valid for ten days.
  @Test(arguments: [
    (-7200 ... -60, false), (60...7200, false), (-7200...7200, false), (-7200...8_640_000, true),
    (60...8_640_000, false),
  ])
  func `the valid certificate of a renewed issuer is sent, in either order`(
    validity: ClosedRange<Int>, isTaken: Bool
  ) throws {
    let other = CertificateFactory.renewed(lower, by: upper, validity: validity)
    for file in [[lower, other, upper], [other, lower, upper], [upper, other, lower], [root, upper, lower, other]] {
      let chain = try leaf.pair(with: file).chain
      let (sent, left) = isTaken ? (other, lower) : (lower, other)
      #expect(chain.issuers.count == 2 && chain.issuers[0].isEqual(to: sent.certificate))
      #expect(chain.replaced.count == 1 && chain.replaced[0].isEqual(to: left.certificate))
      #expect(chain.unrelated.isEmpty)
    }
  }

  @Test func `an expired issuer further up is replaced as well, also by a valid root`() throws {
    let older = CertificateFactory.renewed(upper, by: root, validity: -7200 ... -60)
    for file in [[lower, older, upper], [upper, older, lower]] {
      #expect(try leaf.pair(with: file).chain.issuers[1].isEqual(to: upper.certificate))
    }
    // The cross-signed certificate has expired; clients that trust the new root don't need it.
    let crossed = CertificateFactory.renewed(
      root, by: CertificateFactory.authority("Old Root"), validity: -7200 ... -60)
    for file in [[lower, upper, crossed, root], [root, crossed, upper, lower]] {
      let chain = try leaf.pair(with: file).chain
      #expect(names(chain.issuers) == ["CN=Lower", "CN=Upper"])
      #expect(chain.isComplete && chain.replaced.count == 1)
    }
  }

  @Test func `if all certificates of an issuer have expired, the last to expire is sent`() throws {
    let old = CertificateFactory.renewed(lower, by: upper, validity: -7200 ... -3600)
    let last = CertificateFactory.renewed(lower, by: upper, validity: -7200 ... -60)
    for file in [[old, last, upper], [last, old, upper]] {
      #expect(try leaf.pair(with: file).chain.issuers[0].isEqual(to: last.certificate))
    }
  }

  @Test func `the valid certificate of two for the same key is presented`() throws {
    let old = CertificateFactory.renewed(leaf, by: lower, validity: -7200 ... -60)
    let next = CertificateFactory.renewed(leaf, by: lower, validity: 3600...7200)
    for file in [[old, leaf, next], [next, old, leaf], [leaf, next, old]] {
      let pair = try file[0].pair(with: Array(file[1...]) + [lower, upper])
      #expect(pair.certificate.isEqual(to: leaf.certificate))
      #expect(pair.chain.issuers.count == 2 && pair.chain.replaced.count == 2 && pair.chain.unrelated.isEmpty)
    }
    // Of several that are not valid, the first: the operator's order decides.
    #expect(try old.pair(with: [next, lower]).certificate.isEqual(to: old.certificate))
  }

  @Test func `a duplicate certificate is sent once`() throws {
    let chain = try leaf.pair(with: [leaf, lower, lower, upper], at: 2).chain
    #expect(names(chain.issuers) == ["CN=Lower", "CN=Upper"])
    #expect(chain.unrelated.isEmpty)
  }

  @Test func `a self-signed certificate needs no chain`() throws {
    let chain = try CertificateFactory.leaf().pair(with: [root]).chain
    #expect(chain.isComplete && chain.root == nil && chain.issuer == nil)
    #expect(names(chain.unrelated) == ["CN=Root"])
  }

  @Test func `a chain of authorities that issued each other is finite`() throws {
    let one = CertificateFactory.authority("One")
    let other = CertificateFactory.authority("Other", signedBy: one)
    let back = CertificateFactory.resigned(one, by: other)
    let leaf = CertificateFactory.leaf(signedBy: one)
    let chain = try leaf.pair(with: [back, other]).chain
    #expect(chain.issuers.count == 2 && !chain.isComplete)
  }

  @Test func `a client that has the root verifies a chain from a file in reverse order`() throws {
    let pair = try leaf.pair(with: [root, upper, lower], at: 3)
    let client = try Contexts.trusting(root.pair().certificatePEM())
    var tlsPair = try TLSPair(Contexts.server(pair), client, name: ReferenceIdentity("view.domain.local"))
    tlsPair.establish()
  }

  @Test func `the facts of a certificate have its key, serial number and responders`() throws {
    let leaf = CertificateFactory.leaf(
      key: .rsa(2048),
      extensions: [
        (NID_info_access, "OCSP;URI:http://ocsp.test/a,caIssuers;URI:http://ca.test/a.der,OCSP;URI:http://b.test")
      ])
    let facts = try leaf.pair().facts
    #expect(facts.key == "RSA 2048")
    #expect(facts.responders == ["http://ocsp.test/a", "http://b.test"])
    #expect(UInt64(facts.serialNumber, radix: 16) != nil)
    #expect(try CertificateFactory.leaf(key: .curve("P-384")).pair().facts.key == "ECDSA P-384")
    #expect(try CertificateFactory.leaf(key: .ed25519).pair().facts.key == "Ed25519")
    #expect(try CertificateFactory.leaf().pair().facts.responders == [])
  }
}
