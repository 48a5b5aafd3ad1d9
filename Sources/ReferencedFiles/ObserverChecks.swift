import Certificates
import Configuration
import Glibc
import Linux
import Wire

/// The files of `belvedere observe`. The service works without it, so that a fault is a warning, at a check, a reload and
/// a start alike.
extension Configuration.Loaded {
  /// Warns of the token, the certificate and the key that `belvedere observe` can't use.
  package mutating func checkObserverFiles(at time: WallTime) {
    for file in files where FileReference.Purpose.ofObserver.contains(file.purpose) {
      if !isRefused(file), !Credential.isElsewhere(file.path) { checkObserver(file, at: time) }
    }
  }

  /// Its user may read files that this process can't, and its unit is given other credentials than the service's.
  mutating func checkObserver(_ file: FileReference, at time: WallTime) {
    let isCredential = CurrentProcess.credentials.map { file.path.hasPrefix($0 + "/") } ?? false
    guard !isCredential, let observer = configuration?.observer else { return }
    switch file.purpose {
    case .observerToken: checkObserverToken(in: file)
    case .observerCertificate:
      if let pair = observer.certificate { checkObserverCertificate(pair, in: file, at: time) }
    case .observerKey:
      if let pair = observer.certificate, pair.key != pair.chain { checkObserverKey(of: pair, in: file, at: time) }
    default: break
    }
  }

  private mutating func checkObserverToken(in file: FileReference) {
    do throws(SystemError) {
      let contents = try File.contents(of: file.path, limit: Configuration.Observer.longestToken)
      if File.audience(of: file.path) == .anyUser {
        warnOfObserver(
          file, "every user of this machine may read the token", suggestion: "`chmod o= \(file.path)`")
      } else if Configuration.Observer.token(in: contents) == nil {
        warnOfObserver(
          file, "has no token, \(Configuration.Observer.tokenForm)",
          suggestion: "`openssl rand -hex 32 >\(file.path)`")
      }
    } catch {
      if error.code == EACCES { return }
      warnOfObserver(file, "can't be read: \(SystemError.words(for: error.code))")
    }
  }
}
