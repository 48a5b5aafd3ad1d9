import Domain
import WorkerProtocol

/// The certificates that the worker has reported of its latest configuration, and the authorities and revocation lists
/// that it verifies clients with. A report of another configuration replaces all of them.
struct ReportedCertificates {
  /// The text of all, in bytes. It fits an answer even with every character escaped.
  private static let byteLimit = 1 << 19

  /// With their indices.
  private(set) var served: [(index: UInt16, certificate: ServedCertificate)] = []
  private var authorities: [(index: UInt16, authority: ClientAuthority)] = []
  private var number: UInt64 = 0

  var clientAuthorities: [ClientAuthority] { authorities.map(\.authority) }

  var count: Int { served.count + authorities.count }

  mutating func note(_ certificate: ServedCertificate, at index: UInt16, of number: UInt64) {
    begin(number)
    served.removeAll { $0.index == index }
    guard served.count < WorkerEvent.certificateLimit, byteCount + certificate.byteCount <= Self.byteLimit else {
      return
    }
    served.append((index, certificate))
  }

  mutating func note(_ authority: ClientAuthority, at index: UInt16, of number: UInt64) {
    begin(number)
    authorities.removeAll { $0.index == index }
    guard authorities.count < WorkerEvent.authorityLimit, byteCount + authority.byteCount <= Self.byteLimit else {
      return
    }
    authorities.append((index, authority))
  }

  private var byteCount: Int {
    authorities.reduce(served.reduce(0) { $0 + $1.certificate.byteCount }) { $0 + $1.authority.byteCount }
  }

  private mutating func begin(_ number: UInt64) {
    guard number != self.number else { return }
    self = ReportedCertificates()
    self.number = number
  }
}

extension ServedCertificate {
  /// The length of its texts.
  fileprivate var byteCount: Int {
    names.reduce(file.utf8.count + subject.utf8.count + serial.utf8.count + fingerprint.utf8.count) {
      $0 + $1.utf8.count
    }
  }
}

extension ClientAuthority {
  /// The length of its texts.
  fileprivate var byteCount: Int { service.utf8.count + file.utf8.count + subject.utf8.count }
}
