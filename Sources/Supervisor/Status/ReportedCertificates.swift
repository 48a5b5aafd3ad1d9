import Domain
import WorkerProtocol

/// The certificates that the worker has reported of its latest configuration, and the authorities and revocation lists
/// that it verifies clients with. A report of another configuration replaces all of them.
struct ReportedCertificates {
  /// The text of all, in bytes. It fits an answer even with every character escaped.
  private static let byteLimit = 1 << 19

  /// With their indices.
  private(set) var served: [(index: UInt16, element: ServedCertificate)] = []
  private var authorities: [(index: UInt16, element: ClientAuthority)] = []
  private var byteCount = 0
  private var number: UInt64 = 0

  var clientAuthorities: [ClientAuthority] { authorities.map(\.element) }

  var count: Int { served.count + authorities.count }

  mutating func note(_ certificate: ServedCertificate, at index: UInt16, of number: UInt64) {
    note(certificate, at: index, of: number, in: \.served, limit: WorkerEvent.certificateLimit, \.byteCount)
  }

  mutating func note(_ authority: ClientAuthority, at index: UInt16, of number: UInt64) {
    note(authority, at: index, of: number, in: \.authorities, limit: WorkerEvent.authorityLimit, \.byteCount)
  }

  private mutating func note<Element>(
    _ new: Element, at index: UInt16, of number: UInt64,
    in list: WritableKeyPath<Self, [(index: UInt16, element: Element)]>, limit: Int, _ size: KeyPath<Element, Int>
  ) {
    if number != self.number {
      self = ReportedCertificates()
      self.number = number
    }
    if let known = self[keyPath: list].firstIndex(where: { $0.index == index }) {
      byteCount -= self[keyPath: list].remove(at: known).element[keyPath: size]
    }
    guard self[keyPath: list].count < limit, byteCount + new[keyPath: size] <= Self.byteLimit else { return }
    self[keyPath: list].append((index, new))
    byteCount += new[keyPath: size]
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
