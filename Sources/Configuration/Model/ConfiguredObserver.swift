import Wire

extension Configuration {
  /// The addresses and the clients of `belvedere observe`.
  package struct Observer: Equatable, Sendable {
    package var listeners = [Listener(address: IPAddress(v4: 0x7f00_0001), port: Self.port)]
    /// The certificate for https; nil: plain http.
    package var certificate: Certificate?
    /// The path of the file with the token that every request must have; nil: none is needed.
    package var token: String?
    /// The clients that are answered; empty: all.
    package var networks: [IPPrefix] = []

    package static let port: UInt16 = 9350

    package init() {}
  }
}
