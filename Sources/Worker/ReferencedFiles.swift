import Configuration
import Glibc
import Linux
import TLS

extension Configuration.Loaded {
  /// Tries every file that the configuration names, as the worker will use it, and adds what is wrong where the file is
  /// named. Returns what the certificates say, in the configuration's order.
  ///
  /// - Parameters:
  ///   - seconds: the time, in seconds since 1970, that certificates must be valid at.
  ///   - supervisors: the supervisor's own files too, which a confined worker can't open.
  ///   - ends: the ends of certificates too, as far ahead as `ExpiryWatch` tells of them in a running worker.
  @discardableResult
  package mutating func checkFiles(
    at seconds: Int64, supervisors: Bool = true, ends: Bool = true
  ) -> [CertificateFacts] {
    let pairs = configuration?.tls.certificates ?? []
    let names = configuration?.service ?? []
    let hasConfiguration = configuration != nil
    var facts: [CertificateFacts] = []

    for file in files where !isRefused(file) {
      if Credential.isElsewhere(file.path) {
        warn(about: file, "is passed by systemd at the start of the service, and not checked here")
        continue
      }
      switch file.purpose {
      case .certificate where hasConfiguration:
        guard let pair = pairs.first(where: { $0.chain == file.path }) else { continue }
        checkCertificate(pair, in: file, at: seconds, ends: ends, into: &facts)
      case .privateKey where hasConfiguration:
        guard let pair = pairs.first(where: { $0.key == file.path }), pair.key != pair.chain,
          !Credential.isElsewhere(pair.chain)
        else { continue }
        do throws(TLSError) {
          _ = try CertificatePair(path: pair.chain, keyPath: pair.key, at: seconds)
          warnOfAudience(of: file)
        } catch {
          if error.origin == file.path { refuse(file, because: error.reason(for: file.path)) }
        }
      case .errorPage: checkErrorPage(file)
      case .certificate, .privateKey:
        refuse(file) { () throws(SystemError) in try File.requireReadable(file.path) }
      case .accessLog:
        refuse(file) { () throws(SystemError) in try File.requireAppendable(file.path) }
      case .serverState where !supervisors, .hook where !supervisors, .advertisementKey where !supervisors: continue
      case .affinity, .serverState:
        refuse(file) { () throws(SystemError) in try File.requireReplaceable(file.path) }
      case .hook:
        refuse(file) { () throws(SystemError) in try File.requireExecutable(file.path) }
      case .advertisementKey: refuseKey(file)
      case .trustAnchors:
        do throws(TLSError) {
          _ = try ClientContext(trust: .authoritiesFile(path: file.path))
        } catch { refuse(file, because: error.reason(for: file.path)) }
      }
    }
    refuseExposedFiles()
    warnAboutNames(names, facts)
    return facts
  }

  /// Tries a certificate with its key; `file` is where the certificate is.
  private mutating func checkCertificate(
    _ pair: Configuration.Certificate, in file: FileReference, at seconds: Int64, ends: Bool,
    into facts: inout [CertificateFacts]
  ) {
    if let key = pair.key, Credential.isElsewhere(key) { return }
    let profile = TLSProfile(configuration?.tls.profile ?? .intermediate)
    do throws(TLSError) {
      let certificate = try CertificatePair(path: pair.chain, keyPath: pair.key, at: seconds)
      facts.append(certificate.facts)
      // OpenSSL looks at keys and signatures when they are to be shown.
      _ = try ServerContext(certificates: [certificate], profile: profile, tickets: nil)
      for finding in certificate.findings(at: seconds) { warn(about: file, "\(finding)") }
      if pair.key == nil || pair.key == pair.chain { warnOfAudience(of: file) }
      guard ends, let end = ExpiryWatch.notice(of: .init(certificate), at: seconds) else { return }
      warn(about: file, ExpiryWatch.text(of: end, namingFile: false))
    } catch {
      // A key's own fault is told where the key's file is named.
      if let key = pair.key, key != pair.chain, error.origin == key { return }
      refuse(file, because: error.reason(for: file.path))
    }
  }

  private mutating func checkErrorPage(_ file: FileReference) {
    do throws(SystemError) {
      try File.requireReadable(file.path)
      _ = try File.contents(of: file.path, limit: ConfigurationSnapshot.errorPageBytes)
    } catch {
      refuse(
        file,
        because: error.code == EFBIG
          ? "is larger than \(ConfigurationSnapshot.errorPageBytes / 1024) KiB"
          : "can't be used: \(SystemError.words(for: error.code))")
    }
  }

  private mutating func refuse(_ file: FileReference, unless attempt: () throws(SystemError) -> Void) {
    do { try attempt() } catch { refuse(file, because: "can't be used: \(SystemError.words(for: error.code))") }
  }

  private mutating func refuseKey(_ file: FileReference) {
    do throws(SystemError) {
      let text = try File.contents(of: file.path, limit: 4096)
      guard Configuration.VirtualRouter.KeyPlace.key(in: text) == nil else { return }
      refuse(
        file, because: "is no key: expected 64 to 128 hexadecimal digits",
        suggestion: "openssl rand -hex 32 >\(file.path)")
    } catch { refuse(file, because: "can't be used: \(SystemError.words(for: error.code))") }
  }

  /// A private key is for the service alone.
  private mutating func warnOfAudience(of file: FileReference) {
    switch File.audience(of: file.path) {
    case .nobody: break
    case .group:
      warn(
        about: file, "another group than the service's may read the private key", suggestion: "`chmod g= \(file.path)`")
    case .everybody:
      warn(
        about: file, "every user of this machine may read the private key", suggestion: "`chmod o= \(file.path)`")
    }
  }

  /// Clients of a name that no certificate is for will see a warning, or refuse.
  private mutating func warnAboutNames(_ names: [ServiceName], _ facts: [CertificateFacts]) {
    guard !facts.isEmpty, let file = files.first(where: { $0.purpose == .certificate }) else { return }
    for name in names where !facts.contains(where: { $0.isFor(name) }) {
      warn(about: file, "no certificate is for the service name \(name.text); clients of that name will not trust it")
    }
  }
}

extension CertificateFacts {
  /// Whether the certificate is good for this name (RFC 6125 §6.4).
  fileprivate func isFor(_ name: ServiceName) -> Bool {
    let text = name.text
    if names.contains(text) || addresses.contains(text) { return true }
    guard let dot = text.firstIndex(of: ".") else { return false }
    return names.contains("*" + text[dot...])
  }
}

extension TLSError {
  /// The file at fault.
  fileprivate var origin: String? {
    switch self {
    case .unreadable(let path, _): path
    case .noCertificate(let origin), .noKey(let origin), .encryptedKey(let origin), .refused(let origin, _): origin
    case .keyMismatch(_, let keyOrigin, _): keyOrigin
    default: nil
    }
  }

  /// The description for a place that has named the file already.
  fileprivate func reason(for path: String) -> String {
    if case .unreadable(path, let errno) = self { return "can't be read: \(SystemError.words(for: errno))" }
    if case .refused(path, let reason) = self { return "OpenSSL refuses it: \(reason)" }
    let text = description
    return text.hasPrefix(path + " ") ? String(text.dropFirst(path.utf8.count + 1)) : text
  }
}
