import Balancing
import Domain
import Exchange
import HTTP1

/// Why a request or a connection ends, more exactly than the two letters of its end say it. Noted while there are traces.
enum EndCause: Equatable {
  case timeout(TimeoutKey)
  /// The request was refused.
  case request(Rejection)
  /// The server's response was refused.
  case response(Rejection)
  /// A rule for clients refuses it.
  case refused(ClientRules.Refusal)
  case tooManyOfAddress
  case queueFull
  case maintenance
  /// The TLS handshake has failed; `isClients`: the client has ended it by an alert.
  case handshake(isClients: Bool)
  /// A trusted proxy's connection does not begin with a PROXY protocol header.
  case noProxyHeader
  /// It has made room for a new connection.
  case displaced(EvictionClass)
  /// The newest configuration does not have the service.
  case serviceRemoved
  case stopping

  /// Whether a request may have ended like this for this reason: after a time-out another server may have been tried.
  func explains(_ cause: Termination.Cause) -> Bool {
    switch self {
    case .timeout: cause == .clientTimeout || cause == .serverTimeout
    case .request, .refused, .tooManyOfAddress, .queueFull: cause == .proxy
    case .response: cause == .server || cause == .proxy
    case .maintenance: cause == .local
    case .displaced: cause != .normal
    case .noProxyHeader, .serviceRemoved, .stopping, .handshake: false
    }
  }

  /// Whether Belvedere has refused a request for it.
  var isRefusal: Bool {
    switch self {
    case .request, .refused, .tooManyOfAddress, .queueFull: true
    default: false
    }
  }

  /// Whether it ends a connection that has no request.
  var isOfConnection: Bool {
    switch self {
    case .timeout(.tlsHandshake), .timeout(.proxyHeader), .refused, .tooManyOfAddress, .noProxyHeader, .displaced,
      .stopping, .handshake:
      true
    case .timeout, .request, .response, .queueFull, .maintenance, .serviceRemoved: false
    }
  }

  /// For people.
  var words: String {
    switch self {
    case .timeout(let key): "timeouts.\(key.rawValue)"
    case .request(let rejection): "\(rejection.reason)"
    case .response(let rejection): "malformed response: \(rejection.reason)"
    case .refused(.access): "access"
    case .refused(.rate(let excess)): "rates.\(excess.subject)"
    case .tooManyOfAddress: "limits.connections-per-address"
    case .queueFull: "the server's queue is full"
    case .maintenance: "the service is in maintenance"
    case .handshake: "the TLS handshake has failed"
    case .noProxyHeader: "no valid PROXY protocol header (forwarded.proxy-protocol)"
    case .displaced(.silent): "limits.connections: it has made room for a new one, as it had sent nothing"
    case .displaced(.unfinished):
      "limits.connections: it has made room for a new one, as its handshake was not complete"
    case .displaced(.idle): "limits.connections: it has made room for a new one, as it was idle"
    case .serviceRemoved: "a reload has removed its service"
    case .stopping: "the service stops"
    }
  }
}
