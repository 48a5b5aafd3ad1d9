import Configuration
import Doctor
import Domain
import Linux
import TLS
import Wire

/// Asks one server what clients and health checks ask it. Every handshake is completed: abandoned ones get a client onto
/// a Connection Server's denylist.
struct ServerVisit: Sendable {
  private let service: Configuration.Service
  private let server: Configuration.Server

  /// The longest time for one request; a health check may be given more.
  private static let longestTimeout = Interval.seconds(5)
  /// The names of a service that are tried.
  private static let nameLimit = 4

  init(_ server: Configuration.Server, of service: Configuration.Service) {
    self.server = server
    self.service = service
  }

  /// What is known without a connection.
  func unasked(_ visit: ServerFacts.Visit) -> ServerFacts {
    var facts = ServerFacts(
      name: server.fullName, service: service.name, endpoint: server.endpoint, expected: service.health.expect)
    facts.visit = visit
    return facts
  }

  /// What the server answered. After a failure nothing more is asked.
  func facts() -> ServerFacts {
    var facts = unasked(.done)
    guard service.health.check != .tcp else {
      facts.failure = connectionFailure()
      return facts
    }
    do {
      let asks = service.health.check == .https
      let answer = try send(asks ? request(host: service.health.host) : nil)
      facts.certificate = PresentedCertificate(answer.certificate, of: service.name)
      facts.status = answer.status
      if let date = answer.date {
        facts.secondsAhead = date.seconds - Clock.wall().seconds
        askForNames(&facts)
      } else if asks {
        askForNames(&facts)
      }
    } catch {
      facts.failure = error.description
      facts.certificate = PresentedCertificate(error.certificate, of: service.name)
    }
    return facts
  }

  private func askForNames(_ facts: inout ServerFacts) {
    guard service.mode == .http else { return }
    let names = (service.names + server.names).removingDuplicates().prefix(Self.nameLimit)
    for name in names {
      for hasOrigin in [false, true] {
        let origin = hasOrigin ? "Origin: https://\(name.host)\r\n" : ""
        let status = (try? send(request(host: name.host, origin)))?.status
        facts.hosts.append(ServerFacts.HostAnswer(host: name.host, hasOrigin: hasOrigin, status: status))
        guard status != nil else { return }
      }
    }
  }

  private func request(host: String, _ fields: String = "") -> String {
    "\(service.health.method.rawValue) \(service.health.path) HTTP/1.1\r\nHost: \(host)\r\n\(fields)Connection: close\r\n\r\n"
  }

  private func send(_ request: String?) throws(TLSRequest.Failure) -> TLSRequest.Answer {
    let exchange: TLSRequest
    do throws(TLSError) {
      exchange = TLSRequest(
        endpoint: server.endpoint, context: try ClientContext(trust: server.trust, policy: server.tls),
        serverName: try ReferenceIdentity(server.serverName),
        preamble: server.sendsProxyHeader ? ProxyHeader.localBytes : [], timeout: timeout)
    } catch { throw TLSRequest.Failure(description: "\(error)") }
    return try exchange.send(request)
  }

  private var timeout: Interval { min(service.health.timeout, Self.longestTimeout) }

  /// For servers whose health check is a connection alone.
  private func connectionFailure() -> String? {
    do throws(SystemError) {
      let socket = try Socket.connect(to: server.endpoint)
      let poller = try Poller()
      try poller.watch(socket)
      guard poller.wait(timeout) > 0 else { return "no answer for \(timeout.text)" }
      let code = Socket.error(of: socket.number)
      return code == 0 ? nil : SystemError.words(for: code)
    } catch { return "\(error)" }
  }
}

extension PresentedCertificate {
  /// Nil without a certificate.
  init?(_ facts: CertificateFacts?, of service: String) {
    guard let facts else { return nil }
    self.init(service: service, title: "\(facts)", fingerprint: facts.fingerprint, notAfter: facts.notAfter)
  }
}
