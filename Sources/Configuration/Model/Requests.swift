extension Configuration {
  /// Which requests are relayed that are well-formed.
  package struct Requests: Equatable, Sendable {
    /// Names that Host may have besides those of `service` and of the certificates, and addresses; nil: any name.
    ///
    /// None: what names another service was meant for another server, and Connection Servers refuse it as well.
    package var hosts: [ServiceName]? = []
    /// Whether a GET with content is relayed. Off: no View client sends one, and servers differ in what they read.
    package var allowsContentInGet = false
  }
}
