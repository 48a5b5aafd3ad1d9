import Configuration
import Domain
import TLS
import Wire

extension Configuration.Loaded {
  /// Checks the authorities that clients' certificates are verified with, or their revocation lists. `ends`: also warns
  /// of expiry, as `ExpiryWatch` does.
  package mutating func checkClientVerification(in file: FileReference, at time: WallTime, ends: Bool) {
    if file.purpose == .clientAuthorities {
      checkClientAuthorities(in: file, at: time, ends: ends)
    } else {
      checkRevocationLists(in: file, at: time, ends: ends)
    }
  }

  private mutating func checkClientAuthorities(in file: FileReference, at time: WallTime, ends: Bool) {
    do throws(TLSError) {
      let verification = try ClientVerification(authorities: file.path, revocationLists: nil, isRequired: true)
      for authority in verification.authorities {
        if authority.hasRefusedKey || authority.hasWeakSignature && !authority.selfIssued {
          warn(
            about: file,
            "clients of \(authority) are refused: its key is \(authority.key), its signature \(authority.signature)")
        }
        warn(about: file, ends ? ExpiryWatch.Subject(authority, in: file.path) : nil, at: time)
      }
    } catch { refuse(file, because: error.reason(for: file.path)) }
  }

  private mutating func checkRevocationLists(in file: FileReference, at time: WallTime, ends: Bool) {
    let service = configuration?.services.first { $0.name == file.service }
    guard let settings = service?.tls.clientCertificates, settings.revocationLists == file.path else { return }
    do throws(TLSError) {
      let verification = try settings.load()
      for authority in verification.authorities where verification.lacksList(of: authority) {
        warn(about: file, "it has no list of \(authority), whose clients are refused")
      }
      for list in verification.revocationLists {
        if time < list.thisUpdate {
          warn(
            about: file,
            "the list of \(list.issuer) is not valid yet: clients are refused; is this machine's clock right?")
        }
        warn(about: file, ends ? ExpiryWatch.Subject(list, in: file.path) : nil, at: time)
      }
    } catch {
      // An error of the authorities is reported at the position of their file.
      if error.origin == file.path { refuse(file, because: error.reason(for: file.path)) }
    }
  }

  private mutating func warn(about file: FileReference, _ subject: ExpiryWatch.Subject?, at time: WallTime) {
    guard let subject, let notice = ExpiryWatch.notice(of: subject, at: time) else { return }
    warn(about: file, ExpiryWatch.text(of: notice, namingFile: false))
  }
}
