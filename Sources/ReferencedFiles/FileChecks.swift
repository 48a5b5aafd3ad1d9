import Certificates
import Configuration
import Glibc
import Linux
import TLS
import Wire

extension Configuration.Loaded {
  /// Checks every file that the configuration names, as the worker will use it, and adds a diagnostic at the position
  /// of each unusable one. Returns facts about the certificates of each service, by its
  /// name, in the configuration's order.
  ///
  /// - Parameters:
  ///   - time: when the certificates must be valid.
  ///   - control: the control socket; the supervisor keeps other files in the same folder.
  ///   - skipped: purposes of files that this process can't open, and the service can.
  ///   - ends: warns about certificates that end soon, as `ExpiryWatch` does in a running worker.
  @discardableResult
  package mutating func checkFiles(
    at time: WallTime, control: String? = nil, besides skipped: Set<FileReference.Purpose> = [], ends: Bool = true
  ) -> [String: [CertificateFacts]] {
    // Kept, because refusing a file below sets `self.configuration` to nil.
    let configuration = configuration
    let services = configuration?.services ?? []
    // By service. A file may be named by several pairs, in their order; what was checked is taken out.
    var unchecked = Dictionary(services.map { ($0.name, $0.tls.certificates) }) { first, _ in first }
    var uncheckedKeys = unchecked
    var facts: [String: [CertificateFacts]] = [:]

    for file in files where !isRefused(file) && !skipped.contains(file.purpose) {
      if Credential.isElsewhere(file.path) {
        // belvedere-observe.service gets these, and says itself what is wrong.
        if FileReference.Purpose.ofObserver.contains(file.purpose) { continue }
        warn(about: file, "is passed by systemd at the start of the service, and not checked here")
        continue
      }
      switch file.purpose {
      case .certificate where configuration != nil:
        guard let pair = unchecked[file.service]?.take(where: { $0.chain == file.path }) else { continue }
        checkCertificate(pair, in: file, at: time, ends: ends, into: &facts[file.service, default: []])
      case .privateKey where configuration != nil:
        guard let pair = uncheckedKeys[file.service]?.take(where: { $0.key == file.path }), pair.key != pair.chain,
          !Credential.isElsewhere(pair.chain)
        else { continue }
        checkKey(of: pair, in: file, at: time)
      case .errorPage: checkErrorPage(in: file)
      case .certificate, .privateKey:
        refuse(file) { () throws(SystemError) in try File.requireReadable(file.path) }
      case .accessLog:
        refuse(file) { () throws(SystemError) in try File.requireAppendable(file.path) }
      case .affinity, .serverState:
        refuse(file) { () throws(SystemError) in try File.requireReplaceable(file.path) }
      case .hook:
        refuse(file) { () throws(SystemError) in try File.requireExecutable(file.path) }
      case .advertisementKey: checkAdvertisementKey(in: file)
      case .pairSecret: checkPairSecret(in: file)
      case .trustAnchors: checkTrustAnchors(in: file)
      case .clientAuthorities, .revocationLists: checkClientVerification(in: file, at: time, ends: ends)
      case .observerToken, .observerCertificate, .observerKey: checkObserver(file, at: time)
      }
    }
    refuseExposedFiles(besides: [path, control.flatMap { LocalSocket.isAbstract($0) ? nil : $0 }].compactMap { $0 })
    for service in services {
      if !skipped.contains(.privateKey) { checkHandshakes(of: service) }
      warnAboutNames(of: service, facts[service.name] ?? [])
    }
    return facts
  }

  private mutating func checkErrorPage(in file: FileReference) {
    do throws(SystemError) {
      try File.requireReadable(file.path)
      _ = try File.contents(of: file.path, limit: Configuration.errorPageBytes)
    } catch {
      refuse(
        file,
        because: error.code == EFBIG
          ? "is larger than \(Configuration.errorPageBytes / 1024) KiB"
          : "can't be used: \(SystemError.words(for: error.code))")
    }
  }

  private mutating func refuse(_ file: FileReference, unless attempt: () throws(SystemError) -> Void) {
    do { try attempt() } catch { refuse(file, because: "can't be used: \(SystemError.words(for: error.code))") }
  }

  private mutating func checkAdvertisementKey(in file: FileReference) {
    do throws(SystemError) {
      let text = try File.contents(of: file.path, limit: 4096)
      guard Configuration.VirtualRouter.KeyPlace.key(in: text) == nil else { return }
      refuse(
        file, because: "is not a key: expected 64 to 128 hexadecimal digits",
        suggestion: "openssl rand -hex 32 >\(file.path)")
    } catch { refuse(file, because: "can't be used: \(SystemError.words(for: error.code))") }
  }

  private mutating func checkPairSecret(in file: FileReference) {
    do throws(PairSecretsError) { _ = try PairSecrets(contentsOf: file.path) } catch {
      return refuse(
        file, because: "\(error)",
        suggestion: error.isForMissingFile ? "belvedere pair new-secret \(file.path)" : nil)
    }
    switch File.audience(of: file.path) {
    case .owner: break
    case .group: warn(about: file, "another group than the service's may read the secret")
    case .anyUser:
      refuse(file, because: "every user of this machine may read the secret", suggestion: "chmod o= \(file.path)")
    }
  }

  /// Refuses files that the worker could change or read without need: the worker is not trusted with them, and what it
  /// writes there remains after it ends. `unnamed` are files of the supervisor that the configuration does not name.
  private mutating func refuseExposedFiles(besides unnamed: [String]) {
    let access = FileAccess(for: files)
    let folders = "Give `affinity.file` and the access log folders of their own, as /var/lib/belvedere/worker is."
    for file in files where !isRefused(file) {
      switch file.purpose {
      case .accessLog, .affinity:
        let reach = FileAccess(for: [file])
        guard let exposed = unnamed.first(where: { reach.allowsAny(of: .change, to: $0) }) else { continue }
        refuse(
          file, because: "lets the worker write to the folder of \(exposed), which it could replace",
          suggestion: folders)
      case .advertisementKey where access.allowsAny(of: .contents, to: file.path):
        refuse(
          file, because: "is in a folder that the worker can read, and the worker does not need it",
          suggestion: "Give certificates and private keys a folder of their own, as /etc/belvedere/tls is.")
      case .serverState, .hook, .advertisementKey, .certificate, .privateKey, .trustAnchors, .clientAuthorities,
        .revocationLists, .errorPage, .pairSecret, .observerToken, .observerCertificate, .observerKey:
        guard access.allowsAny(of: .change, to: file.path) else { continue }
        refuse(
          file, because: "is in a folder that the worker can write to, and could be replaced by it",
          suggestion: folders)
      }
    }
  }
}

extension Array {
  /// Removes and returns the first one.
  fileprivate mutating func take(where isWanted: (Element) -> Bool) -> Element? {
    firstIndex(where: isWanted).map { remove(at: $0) }
  }
}
