import Wire

extension Configuration {
  /// One Connection Server.
  package struct Server: Equatable, Sendable {
    /// The key in the file, and the name in logs. Administrative states and clients' assignments are carried over a reload by it, health and
    /// what runs by name and address.
    package var name: String
    package var endpoint: Endpoint
    /// The server's share of clients in proportion to the others', 1 to 256. 0: known clients only (drain).
    package var weight = 1
    /// Used only when no server without this mark can take a client.
    package var isBackup = false
    /// How many connections the server is given at once; what comes on top waits in its queue.
    ///
    /// 4,000 is what the vendor has tested. The server's own limit (2,000 sessions as installed) is lower, counts
    /// sessions of which each may hold two connections, and stays the one that decides.
    package var connections = 4000
    /// The name sent to the server (SNI, RFC 6066 §3) and looked for in its certificate: a host name, or an IP address
    /// as text, which is looked for but not sent. The canonical service name unless the file has another.
    package var serverName: String
    /// What makes the server's certificate acceptable.
    package var trust: Trust

    package init(name: String, endpoint: Endpoint, serverName: String, trust: Trust = .system) {
      self.name = name
      self.endpoint = endpoint
      self.serverName = serverName
      self.trust = trust
    }
  }

  /// What makes a server's certificate acceptable.
  package enum Trust: Hashable, Sendable {
    /// A chain to one of the system's certificate authorities, and the server's name in the certificate.
    case system
    /// A chain to one of the certificates in this PEM file, and the server's name in the certificate.
    case authority(file: String)
    /// The certificate's SHA-256 fingerprint is one of these; nothing else is looked at.
    case fingerprints([Fingerprint])
    /// Any certificate. Said in the log at every start.
    case insecureNoVerification
  }

  /// The SHA-256 of a certificate's DER form: always 32 bytes.
  package struct Fingerprint: Hashable, Sendable {
    package let bytes: [UInt8]

    /// Nil unless there are 32 bytes.
    package init?(bytes: [UInt8]) {
      guard bytes.count == Fingerprint.byteCount else { return nil }
      self.bytes = bytes
    }

    package static let byteCount = 32
  }
}
