import Configuration
import Linux
import Logging
import Observe
import Systemd
import TLS
import Wire

/// The observer process: shows what the supervisor reports. It has no key of the service, no capability and no
/// access to it.
package enum ObserverRole {
  /// Why the observer can't start, for the administrator.
  package struct Fault: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
  }

  /// Runs until SIGTERM or SIGINT. `reports`: a local socket that the supervisor connects to. `version`: this binary's.
  package static func run(
    _ configuration: Configuration, reports: SharedDescriptor, version: String
  ) throws(Fault) {
    guard let settings = configuration.observer else {
      throw Fault("the configuration has no `observe`, which says where metrics are to be read")
    }
    let token = try settings.token.map(token)
    let certificate = try settings.certificate.map(certificate)
    Signals.ignoreUnhandled()
    do throws(SystemError) {
      let loop = try ObserverLoop(
        try ObserverSockets(reports: reports, settings.listeners), networks: settings.networks, certificate,
        ObserverSite(version: version, token: token, certificateEnd: certificate?.end))
      let gaps = try ObserverConfinement.enter()
      OperationalLog.bootstrap(
        target: configuration.log.target, level: configuration.log.level, facility: configuration.log.facility)
      let log = Logger(label: "observer")
      for gap in gaps { log.warning("confinement: \(gap)") }
      let places = settings.listeners.map { "\(certificate == nil ? "http" : "https")://\($0)" }
      log.notice("observe: metrics are at \(places.joined(separator: ", "))")
      if !ServiceNotification.ready.sendOverReservedSocket() { log.warning("observe: systemd can't be notified") }
      loop.run(log)
      OperationalLog.flush()
    } catch { throw Fault("\(error)") }
  }

  private static func certificate(_ settings: Configuration.Certificate) throws(Fault) -> ObserverCertificate {
    let key = settings.key ?? settings.chain
    try requireFile(settings.chain)
    try requireFile(key)
    guard File.audience(of: key) != .anyUser else {
      throw Fault("every user of this machine may read the private key: `chmod o= \(key)`")
    }
    do throws(TLSError) { return try ObserverCertificate(settings) } catch { throw Fault("\(error)") }
  }

  /// The file's one line.
  private static func token(at path: String) throws(Fault) -> [UInt8] {
    try requireFile(path)
    let contents: [UInt8]
    do throws(SystemError) { contents = try File.contents(of: path, limit: Configuration.Observer.longestToken) } catch
    {
      throw Fault("the token \(path) can't be read: \(SystemError.words(for: error.code))")
    }
    guard File.audience(of: path) != .anyUser else {
      throw Fault("every user of this machine may read the token: `chmod o= \(path)`")
    }
    guard let token = Configuration.Observer.token(in: contents) else {
      throw Fault("\(path) has no token, \(Configuration.Observer.tokenForm)")
    }
    return token
  }

  private static func requireFile(_ path: String) throws(Fault) {
    guard Credential.isElsewhere(path) else { return }
    throw Fault(
      "\(path) is passed by systemd to belvedere-observe.service only; give the path of a file to start it by hand")
  }
}
