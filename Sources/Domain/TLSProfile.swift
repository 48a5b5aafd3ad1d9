/// A set of protocol versions, ciphers and groups, with the names of Mozilla's Server Side TLS. TLS 1.2 is the minimum
/// of all but `old`.
public enum TLSProfile: String, CaseIterable, Sendable {
  /// TLS 1.3 only.
  case modern
  /// TLS 1.2 and 1.3, only with forward secrecy and authenticated encryption. Mozilla's list without its DHE suites: no
  /// current client lacks ECDHE, and with DHE a client can use much of our CPU time at little cost (CVE-2002-20001).
  case intermediate
  /// `intermediate`, and the CBC ciphers that old View clients need (ECDHE-RSA-AES-CBC-SHA256/384).
  case legacy
  /// `legacy`, and TLS 1.0 and 1.1, CBC with SHA-1, RSA key exchange, and certificates with SHA-1 or short keys: for
  /// peers that support nothing newer, such as View servers before version 7 and the last open-source View client.
  case old
}
