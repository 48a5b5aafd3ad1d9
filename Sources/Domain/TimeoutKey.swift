/// A time limit of an exchange or a connection, by its key in `timeouts`.
public enum TimeoutKey: String, Hashable, Sendable {
  case proxyHeader = "proxy-header"
  case tlsHandshake = "tls-handshake"
  case httpRequest = "http-request"
  case keepAlive = "keep-alive"
  case queue, connect
  case connectTotal = "connect-total"
  case client, server, tunnel
}
