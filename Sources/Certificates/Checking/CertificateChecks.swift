import Configuration
import Domain
import Glibc
import Linux
import TLS
import Wire

extension Configuration.Loaded {
  /// Checks a certificate with its key, and adds problems at the position of the certificate's file, `file`. A usable
  /// certificate's fields are added to `facts`.
  ///
  /// - Parameters:
  ///   - time: when it must be valid.
  ///   - ends: also warns of expiry, with the same notice periods as `ExpiryWatch` in a running worker.
  package mutating func checkCertificate(
    _ pair: Configuration.Certificate, in file: FileReference, at time: WallTime, ends: Bool,
    into facts: inout [CertificateFacts]
  ) {
    if let key = pair.key, Credential.isElsewhere(key) { return }
    let profile = configuration?.services.first { $0.name == file.service }?.tls.profile ?? .intermediate
    do throws(TLSError) {
      let certificate = try CertificatePair(path: pair.chain, keyPath: pair.key, at: time)
      facts.append(certificate.facts)
      // OpenSSL checks keys and signatures when the certificate is added to a context.
      _ = try ServerContext(certificates: [certificate], profile: profile, tickets: nil)
      for finding in certificate.findings(at: time) { warn(about: file, "\(finding)") }
      if pair.key == nil || pair.key == pair.chain { warnOfAudience(of: file) }
      guard ends, let end = ExpiryWatch.notice(of: .init(certificate), at: time) else { return }
      warn(about: file, ExpiryWatch.text(of: end, namingFile: false))
    } catch {
      // An error of the key is reported at the position of the key's file.
      if let key = pair.key, key != pair.chain, error.origin == key { return }
      refuse(file, because: error.reason(for: file.path))
    }
  }

  /// Checks a private key in its own file, `file`, with its certificate at `time`.
  package mutating func checkKey(of pair: Configuration.Certificate, in file: FileReference, at time: WallTime) {
    do throws(TLSError) {
      _ = try CertificatePair(path: pair.chain, keyPath: pair.key, at: time)
      warnOfAudience(of: file)
    } catch {
      if error.origin == file.path { refuse(file, because: error.reason(for: file.path)) }
    }
  }

  /// Warns of faults of the certificate of `belvedere observe`. Its user may read files that this one can't.
  package mutating func checkObserverCertificate(
    _ pair: Configuration.Certificate, in file: FileReference, at time: WallTime
  ) {
    if let key = pair.key, Credential.isElsewhere(key) { return }
    do throws(TLSError) {
      let certificate = try CertificatePair(path: pair.chain, keyPath: pair.key, at: time)
      _ = try ServerContext(certificates: [certificate], profile: .intermediate, tickets: nil)
      for finding in certificate.findings(at: time) { warn(about: file, "\(finding)") }
      if pair.key == nil || pair.key == pair.chain { warnOfAudience(of: file) }
      guard let end = ExpiryWatch.notice(of: .init(ofObserver: certificate), at: time) else { return }
      warn(about: file, ExpiryWatch.text(of: end, namingFile: false))
    } catch {
      if let key = pair.key, key != pair.chain, error.origin == key { return }
      if error.isForPermission { return }
      warnOfObserver(file, error.reason(for: file.path))
    }
  }

  /// Warns of faults of its private key, in a file of its own.
  package mutating func checkObserverKey(of pair: Configuration.Certificate, in file: FileReference, at time: WallTime)
  {
    do throws(TLSError) {
      if !Credential.isElsewhere(pair.chain) { _ = try CertificatePair(path: pair.chain, keyPath: pair.key, at: time) }
      warnOfAudience(of: file)
    } catch {
      guard error.origin == file.path, !error.isForPermission else { return }
      warnOfObserver(file, error.reason(for: file.path))
    }
  }

  /// Checks that the names of TLS in the file leave handshakes to all certificates of a service whose files this process
  /// can read. An error is at the certificate.
  package mutating func checkHandshakes(of service: Configuration.Service) {
    guard service.mode == .http, !service.tls.restrictions.isEmpty,
      let first = files.first(where: { $0.purpose == .certificate && $0.service == service.name })
    else { return }
    do throws(TLSError) {
      try service.loadServerContext(tickets: nil).rehearse()
    } catch {
      // The other errors are about one file, whose own check has them.
      switch error {
      case .noHandshake(let origin, _, _, _):
        let file = files.first { $0.path == origin && $0.service == service.name } ?? first
        refuse(file, because: error.reason(for: file.path))
      case .openssl: refuse(first, because: error.reason(for: first.path))
      default: break
      }
    }
  }

  /// Checks the certificates that servers are verified with.
  package mutating func checkTrustAnchors(in file: FileReference) {
    do throws(TLSError) {
      _ = try ClientContext(trust: .authority(file: file.path))
    } catch { refuse(file, because: error.reason(for: file.path)) }
  }

  /// Warns of service names without a certificate: their clients will warn or refuse.
  package mutating func warnAboutNames(of service: Configuration.Service, _ facts: [CertificateFacts]) {
    guard !facts.isEmpty,
      let file = files.first(where: { $0.purpose == .certificate && $0.service == service.name })
    else { return }
    for name in service.names where !facts.contains(where: { $0.isFor(name) }) {
      warn(about: file, "no certificate is for the service name \(name.text); clients of that name will not trust it")
    }
    for server in service.servers {
      let lacking = server.names.filter { name in !facts.contains { $0.isFor(name) } }.map(\.text)
      guard !lacking.isEmpty else { continue }
      warn(
        about: file,
        "no certificate is for \(lacking.joined(separator: ", ")) (`names` of server \(server.name)); clients of such a name will not trust it"
      )
    }
  }

  /// Warns of a fault for which `belvedere observe` does not start.
  package mutating func warnOfObserver(_ file: FileReference, _ reason: String, suggestion: String? = nil) {
    warn(about: file, "\(reason); `belvedere observe` can't start with it", suggestion: suggestion)
  }

  /// Warns when other users can read a private key.
  private mutating func warnOfAudience(of file: FileReference) {
    switch File.audience(of: file.path) {
    case .owner: break
    case .group:
      warn(
        about: file, "another group than the service's may read the private key", suggestion: "`chmod g= \(file.path)`")
    case .anyUser:
      let reason = "every user of this machine may read the private key"
      let remedy = "`chmod o= \(file.path)`"
      if FileReference.Purpose.ofObserver.contains(file.purpose) {
        warnOfObserver(file, reason, suggestion: remedy)
      } else {
        warn(about: file, reason, suggestion: remedy)
      }
    }
  }
}

extension CertificateFacts {
  /// Whether the certificate is valid for this name (RFC 6125 §6.4).
  fileprivate func isFor(_ name: ServiceName) -> Bool {
    let text = name.text
    if names.contains(text) || addresses.contains(text) { return true }
    guard let dot = text.firstIndex(of: ".") else { return false }
    return names.contains("*" + text[dot...])
  }
}

extension TLSError {
  fileprivate var isForPermission: Bool { if case .unreadable(_, EACCES) = self { true } else { false } }

  /// The file that caused the error.
  var origin: String? {
    switch self {
    case .unreadable(let path, _): path
    case .noCertificate(let origin), .noKey(let origin), .encryptedKey(let origin), .refused(let origin, _),
      .noRevocationList(let origin), .noAuthority(let origin, _), .tooManyAuthorities(let origin, _, _):
      origin
    case .keyMismatch(_, let keyOrigin, _): keyOrigin
    default: nil
    }
  }

  /// The description without the file's name.
  func reason(for path: String) -> String {
    if case .unreadable(path, let errno) = self { return "can't be read: \(SystemError.words(for: errno))" }
    if case .refused(path, let reason) = self { return "OpenSSL refuses it: \(reason)" }
    let text = description
    return text.hasPrefix(path + " ") ? String(text.dropFirst(path.utf8.count + 1)) : text
  }
}
