extension Configuration {
  /// Which well-formed requests are relayed.
  package struct Requests: Equatable, Sendable {
    /// Accepted Host names in addition to addresses and the names of `service` and of the certificates; nil: any name.
    ///
    /// Default: none. A request for another name was meant for another server, and Connection Servers reject it too.
    package var hosts: [ServiceName]? = []
    /// Whether a GET with content is relayed. Default: no. View clients send none, and servers differ in parsing it.
    package var allowsContentInGet = false
  }
}
